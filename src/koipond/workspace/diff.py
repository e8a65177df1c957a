"""What applying a folder would change (差异): for how many customers, and who must approve. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from koipond.kernel import Finding, Message, RefusedError, fingerprint
from koipond.rules import Catalog
from koipond.segments.definition import SegmentDefinition
from koipond.segments.tag_definition import TagGroup
from koipond.strategy.model import EVERYONE, Strategy
from koipond.workspace.kinds import kind_named
from koipond.workspace.model import WORKSPACE, Definition, Folder
from koipond.workspace.ports import Action, Applied, MemberCounter, Step
from koipond.workspace.shape import canonical

ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One value that differs; ``before`` or ``after`` is ``absent`` when it is added or removed."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object that differs. ``customers``: how many it concerns, None when nobody can tell yet.

    ``owners``: whose strategies it concerns; ``approvers``: of whom one must approve it, nobody = no need.
    """

    action: Action
    kind: str
    key: str
    version: int  # the version it would become, or the archived one
    fields: tuple[FieldChange, ...]
    customers: int | None
    owners: tuple[str, ...]
    approvers: tuple[str, ...]
    step: Step

    def to_dict(self) -> dict[str, Any]:
        """Return the change as plain values."""
        return {
            "action": self.action,
            "kind": self.kind,
            "key": self.key,
            "version": self.version,
            "fields": [asdict(field) for field in self.fields],
            "customers": self.customers,
            "owners": list(self.owners),
            "approvers": list(self.approvers),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Every change, and the findings that stand in the way of applying it."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the diff as plain values."""
        return {
            "changes": [change.to_dict() for change in self.changes],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def diff(
    folder: Folder,
    applied: Sequence[Applied],
    counter: MemberCounter | None = None,
    approvers: Sequence[str] = (),
) -> Diff:
    """Compare ``folder`` with what is applied: a gone file is an archive, what the console owns stays.

    ``approvers``: of whom one must approve, by the settings in force.
    """
    ours = dict(desired(folder))
    theirs = {(one.kind, one.key): one for one in applied}
    findings = [f for f in folder.findings if f.severity == "error"]
    changes: list[Change] = []
    for name, (body, definition) in sorted(ours.items()):
        old = theirs.get(name)
        if old is not None and old.managed_by == "console":
            findings.append(_owned_by_console(definition, name))
        elif old is None or old.fingerprint != _print(name, body):
            changes.append(_change(folder, name, body, old, counter, approvers))
    gone = [old for name, old in sorted(theirs.items()) if name not in ours and old.managed_by == "file"]
    if folder.settings is not None:
        changes += [_archive(folder, old, counter, approvers) for old in gone if not _unreadable(folder, old)]
    return Diff(changes=tuple(changes), findings=tuple(findings))


def apply_steps(found: Diff) -> list[Step]:
    """Return what the store is to do; raise RefusedError while a finding stands in the way."""
    if found.findings:
        raise RefusedError("{count} findings; see: koipond check", count=len(found.findings), code="findings")
    return [change.step for change in found.changes]


def desired(folder: Folder) -> Iterator[tuple[tuple[str, str], tuple[Mapping[str, Any], Definition | None]]]:
    """Yield (kind, key), body and definition of all that should be applied, `koipond.yaml` first."""
    if folder.settings is not None:
        yield (WORKSPACE, folder.settings.key), (canonical(folder.settings), None)
    for name, definition in sorted(folder.definitions.items()):
        yield name, (definition.body, definition)


def field_changes(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """Yield every value that differs between two plain bodies, by dotted path."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            inner = f"{path}.{key}" if path else str(key)
            yield from field_changes(before.get(key, ABSENT), after.get(key, ABSENT), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from field_changes(old, new, f"{path}.{index}")
    elif before != after:
        yield FieldChange(path=path, before=before, after=after)


def _change(
    folder: Folder,
    name: tuple[str, str],
    body: Mapping[str, Any],
    old: Applied | None,
    counter: MemberCounter | None,
    approvers: Sequence[str],
) -> Change:
    action: Action = "add" if old is None else "change"
    was = 0 if old is None else old.version
    step = Step(action=action, kind=name[0], key=name[1], was=was, fingerprint=_print(name, body), body=body)
    return Change(
        action=action,
        kind=name[0],
        key=name[1],
        version=was + 1,
        fields=tuple(field_changes(old.body, body)) if old else (),
        customers=_customers(folder, name, counter),
        owners=_owners(folder, name, old),
        approvers=tuple(approvers),
        step=step,
    )


def _archive(folder: Folder, old: Applied, counter: MemberCounter | None, approvers: Sequence[str]) -> Change:
    name = (old.kind, old.key)
    return Change(
        action="archive",
        kind=old.kind,
        key=old.key,
        version=old.version,
        fields=(),
        customers=_customers(folder, name, counter),
        owners=_owners(folder, name, old),
        approvers=tuple(approvers),
        step=Step(
            action="archive",
            kind=old.kind,
            key=old.key,
            was=old.version,
            fingerprint=old.fingerprint,
            body=None,
        ),
    )


def _unreadable(folder: Folder, old: Applied) -> bool:
    """Say whether the object may stand in a file that could not be read: then it is not gone."""
    return any((one.kind, one.key) == (old.kind, old.key) for one in folder.unresolved)


def _customers(folder: Folder, name: tuple[str, str], counter: MemberCounter | None) -> int | None:
    if counter is None:
        return None
    keys = {name[1]} if name[0] == "segment" else _audiences(folder, name)
    segments = [
        folder.definitions[("segment", key)] for key in keys if ("segment", key) in folder.definitions
    ]
    counts = [counter.count(segment) for segment in segments]
    known = [count for count in counts if count is not None]
    return sum(known) if counts and len(known) == len(counts) else None


def _audiences(folder: Folder, name: tuple[str, str]) -> set[str]:
    plays = [play for s in _users(folder, name) for play in s.plays]
    return {key for play in plays for key in play.audience.variants.values() if key != EVERYONE}


def _users(folder: Folder, name: tuple[str, str]) -> list[Strategy]:
    """Return the strategies that are ``name`` or refer to it."""
    return [
        d.value
        for d in folder.definitions.values()
        if isinstance(d.value, Strategy)
        and ((d.kind, d.key) == name or any((r.kind, r.key) == name for r in d.references))
    ]


def _owners(folder: Folder, name: tuple[str, str], old: Applied | None) -> tuple[str, ...]:
    """Return the owners of the strategies concerned, the former owner too; `koipond.yaml` concerns all."""
    if name[0] == WORKSPACE:
        strategies: Iterable[Strategy] = (d.value for d in folder.of("strategy"))
    else:
        strategies = _users(folder, name)
    owners = {strategy.owner for strategy in strategies}
    if old is not None and isinstance(former := old.body.get("owner"), str):
        owners.add(former)
    return tuple(sorted(owners))


def _print(name: tuple[str, str], body: Mapping[str, Any]) -> str:
    return fingerprint({"kind": name[0], "key": name[1], "body": body})


def _owned_by_console(definition: Definition | None, name: tuple[str, str]) -> Finding:
    return Finding(
        file=definition.file if definition else "koipond.yaml",
        line=1,
        code="owned_by_console",
        message=Message(
            "the {name} '{other_name}' is edited in the console", name=name[0], other_name=name[1]
        ),
        fix=Message("Remove the file, or hand the object over to files in the console"),
    )


def restored(applied: Iterable[Applied], catalog: Catalog) -> dict[tuple[str, str], Definition]:
    """Return applied objects as definitions again, with their versions; `koipond.yaml` is not among them."""
    return {
        (one.kind, one.key): Definition(
            kind=one.kind, key=one.key, body=one.body, value=_versioned(one, catalog), version=one.version
        )
        for one in applied
        if one.kind != WORKSPACE
    }


def _versioned(one: Applied, catalog: Catalog) -> Any:
    value = kind_named(one.kind).restore(one.body, catalog)
    return (
        replace(value, version=one.version)
        if isinstance(value, Strategy | SegmentDefinition | TagGroup)
        else value
    )
