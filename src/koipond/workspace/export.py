"""Canonical YAML (规范导出): applied objects as files again; load → export → load changes nothing. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from koipond.workspace.kinds import kind_named
from koipond.workspace.model import WORKSPACE
from koipond.workspace.settings import FILE, WorkspaceSettings
from koipond.workspace.shape import from_body


class _Writer(yaml.SafeDumper):
    """Block style, long texts as literal blocks, no aliases."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(writer: _Writer, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    if not value.replace("\n", "").isprintable():
        style = '"'  # YAML folds NEL and other unprintable line ends
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.add_representer(str, _text)


def to_yaml(kind: str, body: Mapping[str, Any]) -> str:
    """Return the file of an object of ``kind``: keys in the order of its shape, defaults left out."""
    if kind == WORKSPACE:
        plain: Any = from_body(WorkspaceSettings, body).model_dump(mode="python", exclude_defaults=True)
    else:
        plain = kind_named(kind).to_plain(body)
    text: str = yaml.dump(
        plain, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=1_000_000, default_flow_style=False
    )
    return text


def export_files(objects: Iterable[tuple[str, str, Mapping[str, Any]]]) -> dict[str, str]:
    """Return file → text of ``objects`` (kind, key, body)."""
    return {
        FILE if kind == WORKSPACE else f"{kind_named(kind).folder}/{key}.yaml": to_yaml(kind, body)
        for kind, key, body in objects
    }
