"""Lists out (名单导出): a segment, a list or a plan's touches as a file for another tool, noted in the audit.

Nobody stands on it whom the gate would not reach there: what is sent from a spreadsheet, a WeCom or an SMS
tool is bound by the same noes. The purpose, who asked and which identifiers left are kept.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from koipond.bootstrap import App
from koipond.facts.ports import Reader
from koipond.frames.spreadsheet import csv_text
from koipond.kernel import InputError, Message, joined, listed
from koipond.kernel.whole_files import require_new, written_beside
from koipond.outreach.templates import preview
from koipond.segments.tables import list_members, segment_members
from koipond.store.audit import AuditEntry
from koipond.store.coholders import KINDS
from koipond.strategy.plan import gate_candidates
from koipond.strategy.plan.preview import LINK
from koipond.worker.kept_candidates import CANDIDATES
from koipond.worker.planning import known_again, made_under

IDENTIFIERS = ("phone", "email")
"""What may be asked for; each is given in clear, so each is named."""
ROWS_MAX = 1_000_000  # what a spreadsheet holds
_CHUNK = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. ``what``: segment | list | plan; ``channels``: what it will be sent through."""

    what: str
    key: str
    identifiers: Sequence[str]
    channels: Sequence[str]
    purpose: str
    author: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What left: rows written, people left out by reason, and those without the identifier asked for."""

    rows: int
    left_out: Mapping[str, int]
    without: Mapping[str, int]


def wanted(
    what: str,
    *,
    identifiers: Sequence[str],
    channels: Sequence[str],
    purpose: str,
    author: str,
    source: str,
) -> Wanted:
    """Return what is asked for; raise InputError for all that is wrong with it at once.

    Without a channel, whoever said no to any channel that uses an identifier asked for is left out.
    """
    kind, mark, key = what.partition(":")
    wrong = []
    if not (mark and key and kind in ("segment", "list", "plan")):
        wrong.append(Message("'{what}': write segment:KEY, list:KEY, plan:KEY or plan:latest", what=what))
    if strange := [one for one in identifiers if one not in IDENTIFIERS]:
        wrong.append(
            Message(
                "--with {strange}: there is {identifiers}",
                strange=joined(", ", strange),
                identifiers=listed(IDENTIFIERS),
            )
        )
    if not purpose.strip():
        wrong.append(Message("--purpose: say what the list is for; it is kept with it"))
    if not author.strip():
        wrong.append(Message("--by: say who asks"))
    if wrong:
        raise InputError(joined("; ", wrong))
    using = [channel for channel, used in KINDS.items() if used in identifiers]
    return Wanted(
        what=kind,
        key=key,
        identifiers=tuple(dict.fromkeys(identifiers)),
        channels=tuple(channels) or tuple(using),
        purpose=purpose.strip(),
        author=author.strip(),
        source=source,
    )


def export_people(app: App, asked: Wanted, file: Path, as_of: date | None) -> Exported:
    """Write ``file`` (CSV, for its owner alone) and note it; raise InputError when it is there already.

    The note is made before the file gets its name: a list that nobody knows of never lies around.
    """
    require_new(file)
    with app.reading(as_of) as (reader, day):
        header, rows = _rows_of(app, reader, asked, day)
    if len(rows) > ROWS_MAX:
        raise InputError(
            "{count:,} rows are more than a list holds ({rows_max:,}); split the segment",
            count=len(rows),
            rows_max=ROWS_MAX,
        )
    numbers = sorted({number for number, _ in rows})
    barred = app.store.handover.barred(numbers, asked.channels, "marketing") if asked.channels else {}
    open_ = [number for number in numbers if number not in barred]
    ids = {kind: _ids(app, open_, kind) for kind in asked.identifiers}
    ids["customer_id"] = _ids(app, open_, "shop_id", asked.source)
    kinds = ("customer_id", *asked.identifiers)
    table = [
        [uid, *(ids[kind].get(number, "") for kind in kinds), *row]
        for number, uid, row in _named(app, rows, barred)
    ]
    without = {kind: sum(number not in ids[kind] for number in open_) for kind in asked.identifiers}
    left_out = Counter(str(reason) for reason in barred.values())
    found = Exported(rows=len(table), left_out=dict(left_out), without=without)
    with written_beside(file, csv_text(("customer_uid", *kinds, *header), table), 0o600) as fresh:
        _note(app, asked, file, found)
        fresh.replace(file)
    return found


def _ids(app: App, numbers: Sequence[int], kind: str, source: str | None = None) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(numbers), _CHUNK):
        found |= app.store.people.addresses(numbers[start : start + _CHUNK], kind, source)
    return found


def _named(
    app: App, rows: Sequence[tuple[int, list[Any]]], barred: Collection[int]
) -> Iterator[tuple[int, str, list[Any]]]:
    uids = app.store.people.uids({number for number, _ in rows})
    return ((number, uids[number], row) for number, row in rows if number not in barred)


def _rows_of(
    app: App, reader: Reader, asked: Wanted, day: date
) -> tuple[Sequence[str], list[tuple[int, list[Any]]]]:
    if asked.what == "plan":
        return _touches(app, reader, asked.key)
    scope = app.scope(reader, day)
    members = segment_members if asked.what == "segment" else list_members
    return (asked.what,), [(number, [asked.key]) for number in members(scope, asked.key)]


def _touches(app: App, reader: Reader, key: str) -> tuple[Sequence[str], list[tuple[int, list[Any]]]]:
    """Return the touches of plan ``key`` with their texts; one with a code has no text, codes are dealt when
    a plan is sent."""
    made = made_under(app, key)
    header = ("plan", "strategy", "play", "variant", "channel", "subject", "text")
    if not reader.has(CANDIDATES):
        return header, []
    known, rows = known_again(made, reader)
    found: list[tuple[int, list[Any]]] = []
    for part in gate_candidates(known, rows.order_by("customer_no", "strategy", "play")):
        for one in part:
            text = ["", ""]
            if one.code_list is None:
                values = {**one.values, "unsubscribe": {"url": LINK}}
                ((message, _),) = preview(known.request.templates[one.template], [values], [one.language])
                text = ["", ""] if message is None else [message.subject or "", message.text]
            found.append((one.customer_no, [key, one.strategy, one.play, one.variant, one.channel, *text]))
    return header, found


def _note(app: App, asked: Wanted, file: Path, found: Exported) -> None:
    app.store.audit.write(
        AuditEntry(
            at=app.machine.now(),
            actor=asked.author,
            action="list.exported",
            subject=f"{asked.what}:{asked.key}",
            detail={
                "purpose": asked.purpose,
                "identifiers": list(asked.identifiers),
                "channels": list(asked.channels),
                "rows": found.rows,
                "left_out": sum(found.left_out.values()),
                "file": file.name,
            },
        )
    )
