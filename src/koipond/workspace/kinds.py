"""The kinds of definition a workspace folder may hold, and how a file of each becomes a value. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from koipond.kernel import Finding, FindingsError, Message
from koipond.rules import Catalog
from koipond.segments.definition import SegmentDefinition, from_mapping
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.tag_definition import TagGroup, tag_group_from
from koipond.strategy.model import EVERYONE
from koipond.strategy.spec import CodeListShape, PlayShape, Shape, StrategyShape
from koipond.workspace.model import Definition, Reference, Unresolved
from koipond.workspace.shape import canonical, from_body, validate
from koipond.workspace.source import Source
from koipond.workspace.template_spec import TemplateShape

Parsed = tuple[Definition | Unresolved, list[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind: its folder, how a file is parsed, how an applied body is read back and how it is written."""

    name: str
    folder: str
    parse: Callable[[Source, Catalog], Parsed]
    restore: Callable[[Mapping[str, Any], Catalog], Any]
    to_plain: Callable[[Mapping[str, Any]], Any]


def shaped(
    name: str,
    folder: str,
    shape: Any,
    references: Callable[[Any], list[Reference]],
    rough: Callable[[Mapping[str, Any]], list[Reference]] = lambda _: [],
) -> Kind:
    """Return a kind whose files have a pydantic ``shape`` with ``resolve()``."""

    def parse(source: Source, _: Catalog) -> Parsed:
        found, findings = validate(shape, source)
        if found is None:
            return Unresolved(kind=name, source=source, references=tuple(rough(source.body))), findings
        return (
            Definition(
                kind=name,
                key=found.key,
                body=canonical(found),
                value=found.resolve(),
                references=tuple(references(found)),
                source=source,
            ),
            [],
        )

    return Kind(
        name=name,
        folder=folder,
        parse=parse,
        restore=lambda body, _: from_body(shape, body).resolve(),
        to_plain=lambda body: from_body(shape, body).model_dump(mode="python", exclude_defaults=True),
    )


def _strategy_references(shape: StrategyShape) -> list[Reference]:
    return [found for number, play in enumerate(shape.plays) for found in _play_references(number, play)]


def _play_references(number: int, play: PlayShape) -> Iterator[Reference]:
    slots = (
        ("audience", "segment", play.audience.variants.values()),
        ("script", "template", play.script.variants.values()),
        ("offer", "offer", (offer.code_list for offer in play.offer.variants.values())),
    )
    for slot, kind, keys in slots:
        for key in keys:
            if key is not None and key != EVERYONE:
                yield Reference(kind=kind, key=key, place=("plays", number, slot))


def _parse_strategy(source: Source, catalog: Catalog) -> Parsed:
    kind = source.body.get("kind")
    if kind in ("policy", "system"):
        message = Message("strategies of kind '{kind}' are not supported yet", kind=kind)
        fix = Message(
            "Write it as 'kind: campaign' with an end or review date, or keep the file outside the folder"
        )
        found = source.finding(("kind",), "not_supported", message, fix)
        return Unresolved(kind="strategy", source=source), [found]
    return _STRATEGY.parse(source, catalog)


def _rough_references(body: Mapping[str, Any]) -> list[Reference]:
    """Return what a strategy that breaks its shape still plainly refers to."""
    plays = body.get("plays")
    return [
        Reference(kind=kind, key=key, place=("plays", number, slot))
        for number, play in enumerate(plays if isinstance(plays, list) else [])
        for slot, kind in (("audience", "segment"), ("script", "template"), ("offer", "offer"))
        for key in _rough_keys(play.get(slot) if isinstance(play, dict) else None)
        if key not in (EVERYONE, "none")
    ]


def _rough_keys(content: Any) -> list[str]:
    if isinstance(content, dict):
        inner = content.get("variants", content.get("code_list"))
        return [
            key
            for part in (inner.values() if isinstance(inner, dict) else [inner])
            for key in _rough_keys(part)
        ]
    return [content] if isinstance(content, str) else []


def _none(_: Shape) -> list[Reference]:
    return []


def _key_first(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``body`` as it reads best: what it is, whose, how it is called, then the rest as it comes."""
    leading = [name for name in ("key", "owner", "name", "source", "rule") if name in body]
    return {name: body[name] for name in dict.fromkeys([*leading, *body])}


def _parse_segment(source: Source, catalog: Catalog) -> Parsed:
    found, findings = from_mapping(source.body, catalog, file=source.file, line_of=source.line)
    if found is None:
        return Unresolved(kind="segment", source=source), findings
    parents = [Reference(kind="segment", key=key, place=("rule",)) for key in found.parents]
    body = found.to_mapping(catalog)
    return Definition(
        kind="segment", key=found.key, body=body, value=found, references=tuple(parents), source=source
    ), []


def _restore_segment(body: Mapping[str, Any], catalog: Catalog) -> SegmentDefinition:
    found, findings = from_mapping(body, catalog)
    if found is None:
        raise FindingsError(findings)
    return found


def _parse_layer(source: Source, _: Catalog) -> Parsed:
    """Read one layer file; its key is that of the layer, and the file says nothing but what differs."""
    body = {name: value for name, value in source.body.items() if name != "key"}
    key = str(source.body.get("key", PurePosixPath(source.file).stem))
    try:
        layers = LayerSet.from_mapping({key: body})
    except FindingsError as error:
        found = [replace(f, file=source.file, line=_line_named(source, f)) for f in error.findings]
        return Unresolved(kind="layer", source=source), found
    return Definition(
        kind="layer", key=key, body={"key": key, **body}, value=getattr(layers, key), source=source
    ), []


def _line_named(source: Source, finding: Finding) -> int:
    """Return the line of the field that the finding's message begins with."""
    path = finding.message.partition(":")[0].strip("'")
    return source.line(tuple(path.split(".")))


def _restore_layer(body: Mapping[str, Any], _: Catalog) -> Any:
    key = str(body["key"])
    content = {name: value for name, value in body.items() if name != "key"}
    return getattr(LayerSet.from_mapping({key: content}), key)


def _parse_tag(source: Source, catalog: Catalog) -> Parsed:
    found, findings = tag_group_from(source.body, catalog, file=source.file, line_of=source.line)
    if found is None:
        return Unresolved(kind="tag", source=source), findings
    body = found.to_mapping(catalog)
    return Definition(kind="tag", key=found.key, body=body, value=found, source=source), []


def _restore_tag(body: Mapping[str, Any], catalog: Catalog) -> TagGroup:
    found, findings = tag_group_from(body, catalog)
    if found is None:
        raise FindingsError(findings)
    return found


_STRATEGY = shaped("strategy", "strategies", StrategyShape, _strategy_references, _rough_references)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.folder: kind
        for kind in (
            Kind(
                name="segment",
                folder="segments",
                parse=_parse_segment,
                restore=_restore_segment,
                to_plain=_key_first,
            ),
            Kind(name="tag", folder="tags", parse=_parse_tag, restore=_restore_tag, to_plain=_key_first),
            Kind(
                name="layer", folder="layers", parse=_parse_layer, restore=_restore_layer, to_plain=_key_first
            ),
            replace(_STRATEGY, parse=_parse_strategy),
            shaped("template", "templates", TemplateShape, _none),
            shaped("offer", "offers", CodeListShape, _none),
        )
    }
)
"""Folder → kind, in the order in which they are read and exported."""

NOT_YET = ("journeys", "membership", "experiments", "metrics", "needs", "scenes", "tests")
"""Folders of the design whose objects this version cannot run."""


def kind_named(name: str) -> Kind:
    """Return the kind called ``name``; raise KeyError when there is none."""
    return next(kind for kind in KINDS.values() if kind.name == name)
