"""One YAML file as plain values, with the line of every key. Pure but for reading the file.

Aliases, tags and duplicate keys are refused: they hide what a definition says, or blow it up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from koipond.kernel import Finding, Message

Place = tuple[str | int, ...]
MAX_BYTES = 1_000_000
MAX_DEPTH = 30
MAX_EVENTS = 20_000
_FIX_YAML = Message("Mend the YAML; two spaces indent, one 'key: value' a line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A parsed file: ``body`` and the 1-based line of each place in it."""

    file: str
    body: dict[str, Any]
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """Return the line of ``place`` or of the nearest place around it."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return 1

    def finding(self, place: Place, code: str, message: str, fix: str, *, warn: bool = False) -> Finding:
        """Return a finding at ``place``."""
        return Finding(
            file=self.file,
            line=self.line(place),
            code=code,
            message=message,
            fix=fix,
            severity="warning" if warn else "error",
        )


class _Reader(yaml.SafeLoader):
    """Plain YAML without the 1.1 words for booleans beyond true and false (``no`` is Norwegian)."""


_Reader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _day_or_text(reader: yaml.SafeLoader, node: yaml.ScalarNode) -> object:
    """Return a day as YAML reads it; what only looks like one stays text, for its field to refuse by line."""
    try:
        return reader.construct_yaml_timestamp(node)
    except ValueError:
        return node.value


def _whole_or_text(reader: yaml.SafeLoader, node: yaml.ScalarNode) -> object:
    """Return a whole number; one of more digits than Python reads stays text, for its field to refuse."""
    try:
        return reader.construct_yaml_int(node)
    except ValueError:
        return node.value


_Reader.add_constructor("tag:yaml.org,2002:timestamp", _day_or_text)
_Reader.add_constructor("tag:yaml.org,2002:int", _whole_or_text)


def read_source(path: Path, file: str) -> tuple[Source | None, list[Finding]]:
    """Read ``path`` (called ``file`` in findings); return None and the findings when it is no mapping."""
    try:
        with path.open("rb") as file_of:
            raw = file_of.read(MAX_BYTES + 1)
        size = path.stat().st_size
    except OSError as error:
        return None, [
            _whole(
                file,
                0,
                "unreadable",
                Message("cannot read the file: {strerror}", strerror=error.strerror),
                Message("Check its rights"),
            )
        ]
    if len(raw) > MAX_BYTES:
        return None, [
            _whole(
                file,
                0,
                "too_large",
                Message("{size} bytes; at most {max_bytes}", size=size, max_bytes=MAX_BYTES),
                Message("Split the object"),
            )
        ]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, [
            _whole(file, line, "not_utf8", Message("the file is not UTF-8"), Message("Save it as UTF-8"))
        ]
    return parse_source(text, file)


def parse_source(text: str, file: str) -> tuple[Source | None, list[Finding]]:
    """Parse ``text``; see `read_source`."""
    try:
        if found := _refused_events(text, file):
            return None, [found]
        loader = _Reader(text)
        node = loader.get_single_node()
        findings: list[Finding] = []
        lines: dict[Place, int] = {}
        if not isinstance(node, yaml.MappingNode):
            line = node.start_mark.line + 1 if node is not None else 0
            fix = Message("Start the file with 'key: its_name'")
            return None, [
                _whole(file, line, "not_a_mapping", Message("the file holds no 'key: value' lines"), fix)
            ]
        _mark(node, (), lines, findings, file)
        body = loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, [_yaml_error(error, file)]
    if findings:
        return None, findings
    return Source(file=file, body=body, lines=lines), []


def _refused_events(text: str, file: str) -> Finding | None:
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Reader)):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            return _whole(
                file,
                line,
                "alias",
                Message("YAML aliases (*name) are not allowed"),
                Message("Write the value out"),
            )
        if count > MAX_EVENTS:
            return _whole(
                file,
                line,
                "too_large",
                Message("more than {max_events:,} values", max_events=MAX_EVENTS),
                Message("Split the object"),
            )
        if tag := getattr(event, "tag", None):
            return _whole(
                file,
                line,
                "tag",
                Message("the YAML tag {tag} is not allowed", tag=tag),
                Message("Write a plain value"),
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return _whole(
                file,
                line,
                "too_deep",
                Message("nested deeper than {max_depth}", max_depth=MAX_DEPTH),
                Message("Flatten the object"),
            )
    return None


def _mark(node: yaml.Node, place: Place, lines: dict[Place, int], findings: list[Finding], file: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*place, index)] = item.start_mark.line + 1
            _mark(item, (*place, index), lines, findings, file)
        return
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = str(key.value)
        if (*place, name) in lines:
            first = lines[(*place, name)]
            message = Message("'{name}' stands here and on line {first}", name=name, first=first)
            findings.append(_whole(file, line, "duplicate_key", message, Message("Remove one of the two")))
        lines[(*place, name)] = line
        _mark(value, (*place, name), lines, findings, file)


def _yaml_error(error: Exception, file: str) -> Finding:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 0
    words = getattr(error, "problem", None) or str(error) or type(error).__name__
    return _whole(file, line, "bad_yaml", Message("not readable as YAML: {words}", words=words), _FIX_YAML)


def _whole(file: str, line: int, code: str, message: str, fix: str) -> Finding:
    return Finding(file=file, line=line, code=code, message=message, fix=fix)
