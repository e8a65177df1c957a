"""`koipond leases`: who holds what, since when, until when at the latest; and to free it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from koipond.cli.reply import JsonFlag, heads, local, marked, say
from koipond.frames import text_table
from koipond.kernel import InputError, Message, phrase, wall_time

if TYPE_CHECKING:
    from koipond.bootstrap import App

_HEAD = marked("lease", "kind", "purpose", "process", "host", "since", "until", "state")
_ID_DIGITS_MIN = 4


def register(app: typer.Typer) -> None:
    """Add the commands."""
    leases = typer.Typer(
        help="Who reads, writes, sends or imports now, and until when a silent one holds it.",
        invoke_without_command=True,
    )
    leases.callback()(list_leases)
    leases.command(name="free", help="End a lease whose process is known to be gone.")(free)
    app.add_typer(leases, name="leases")


def list_leases(context: typer.Context, as_json: JsonFlag = False) -> None:
    if context.invoked_subcommand is not None:
        return
    from koipond.bootstrap import open_app

    with open_app(context.obj, apart=True) as app:
        rows = lease_rows(app)
        stamp = app.stamp() if app.pair.usable else {"as_of": None, "definition_version": None}
        place = lease_zone(app)
    say(
        {"leases": rows, **stamp},
        lambda: lease_text(rows, place) if rows else phrase("nobody holds anything"),
        as_json=as_json,
    )


def free(
    context: typer.Context,
    lease: Annotated[str, typer.Argument(metavar="ID", help="The lease, or its first digits.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")],
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.store.audit import AuditEntry

    with open_app(context.obj, apart=True) as app:
        rows = [
            row for row in lease_rows(app) if len(lease) >= _ID_DIGITS_MIN and row["lease"].startswith(lease)
        ]
        if len(rows) != 1:
            what = (
                Message("no lease begins") if not rows else Message("{count} leases begin", count=len(rows))
            )
            raise InputError("{what} with '{lease}'; see: koipond leases", what=what, lease=lease)
        done = app.store.leases.free(
            rows[0]["lease"],
            AuditEntry(
                at=app.machine.now(), actor=by, action="free lease", subject=rows[0]["lease"], detail=rows[0]
            ),
        )
        stamp = app.stamp() if app.pair.usable else {"as_of": None, "definition_version": None}
        place = lease_zone(app)
    data = {"freed": rows[0] if done else None, **stamp}
    say(
        data,
        lambda: (
            phrase("freed:\n{leases}", leases=lease_text(rows, place))
            if done
            else phrase("it had ended meanwhile")
        ),
        as_json=as_json,
    )


def lease_zone(app: "App") -> ZoneInfo:
    """Return the workspace's zone; UTC while what is in force cannot be read."""
    return app.zone if app.pair.usable else ZoneInfo("UTC")


def lease_rows(app: "App") -> list[dict[str, Any]]:
    """Return every lease on record as plain values. ``state``: runs, gone, ended, or unseen from here."""
    from koipond.warehouse import host_name

    now = app.machine.now()
    return [
        {
            "lease": held.lease,
            "kind": held.kind,
            "purpose": held.holder.purpose,
            "process": held.holder.pid,
            "host": host_name(held.holder.host),
            "since": held.since.isoformat(),
            "until": held.until.isoformat(),
            "state": app.state_of(held.holder) if held.until > now else "ended",
        }
        for held in app.store.leases.held()
    ]


def lease_text(rows: Sequence[Mapping[str, Any]], place: ZoneInfo) -> str:
    """Return leases as a table, their times by the clock of the workspace."""
    times = ("since", "until")
    table = [[local(row[name], place) if name in times else row[name] for name in _HEAD] for row in rows]
    return text_table(heads(*_HEAD), table)


def lease_problems(app: "App") -> list[tuple[str, str]]:
    """Return the leases that hold something longer than their holder lives, with the way to end them."""
    from koipond.store.leases import TTL

    now = app.machine.now()
    found: list[tuple[str, str]] = []
    for held in app.store.leases.held():
        if held.kind == "reader":
            continue
        fix = Message(
            "koipond leases free {lease} --by NAME, when that process is gone", lease=held.lease[:8]
        )
        if held.until > now + 2 * TTL:
            what = Message(
                "the clock of {purpose} (process {pid}) is ahead of this machine's",
                purpose=held.holder.purpose,
                pid=held.holder.pid,
            )
            found.append(
                (
                    Message(
                        "{what}: its {kind} lease ends {until}",
                        what=what,
                        kind=held.kind,
                        until=wall_time(held.until),
                    ),
                    fix,
                )
            )
        elif held.until > now and not app.is_alive(held.holder):
            what = Message(
                "{purpose} (process {pid}) is gone and holds a {kind} lease",
                purpose=held.holder.purpose,
                pid=held.holder.pid,
                kind=held.kind,
            )
            found.append((what, Message("the next command of its kind ends it; or {fix}", fix=fix)))
    return found
