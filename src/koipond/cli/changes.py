"""`koipond changes list | approve | reject`: applied changes that wait for one of the approvers."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from koipond.cli.reply import JsonFlag, heads, local, marked, say, word
from koipond.cli.stopping import By, Reason, named
from koipond.frames import text_table
from koipond.kernel import joined, phrase

if TYPE_CHECKING:
    from koipond.store.proposals import Proposal

STATES = marked("waiting", "applied", "rejected", "replaced")
Key = Annotated[str, typer.Argument(metavar="CHANGES", help="Such as c1; see: koipond changes list.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Changes of definitions that wait for approval.", no_args_is_help=True)
    group.command(name="list", help="Every proposed change and what became of it.")(list_all)
    group.command(help="Put proposed changes in force.")(approve)
    group.command(help="Turn proposed changes down; nothing of them takes effect.")(reject)
    app.add_typer(group, name="changes")


def list_all(context: typer.Context, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app

    with open_app(context.obj) as app:
        rows = [_row(one) for one in app.store.proposals.all()]
        data = {"proposals": rows, "approvers": list(app.settings.approvers), **app.stamp()}
        place = app.zone
    table = [
        [
            *(row["key"], word(row["state"]), row["author"], local(row["proposed_at"], place)),
            *(row["decided_by"] or "", ", ".join(row["changes"])),
        ]
        for row in rows
    ]
    header = heads("changes", "state", "author", "proposed", "decided by", "objects")
    text = text_table(header, table) if rows else phrase("no change was ever proposed")
    say(data, lambda: text, as_json=as_json)


def approve(context: typer.Context, key: Key, by: By, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app

    author = named(by)
    with open_app(context.obj) as app:
        approvers = app.settings.approvers
        made = app.store.proposals.approve(key, by=author, approvers=approvers, now=app.machine.now())
        data = {**_row(made), **app.latest().stamp()}
    say(
        data,
        lambda: phrase(
            "{key} is in force: {changes}; definition version {number}",
            key=key,
            changes=joined(", ", data["changes"]),
            number=data["definition_version"],
        ),
        as_json=as_json,
    )


def reject(
    context: typer.Context,
    key: Key,
    by: By,
    reason: Reason = "",
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app

    author = named(by)
    with open_app(context.obj) as app:
        now, approvers = app.machine.now(), app.settings.approvers
        made = app.store.proposals.reject(key, by=author, approvers=approvers, reason=reason.strip(), now=now)
        data = {**_row(made), **app.stamp()}
    say(data, lambda: phrase("{key} is turned down; nothing of it takes effect", key=key), as_json=as_json)


def _row(one: "Proposal") -> dict[str, Any]:
    return {
        "key": one.key,
        "state": one.state,
        "author": one.author,
        "proposed_at": one.proposed_at.isoformat(),
        "changes": [f"{change.kind}/{change.key}" for change in one.changes],
        "decided_by": one.decided_by,
        "decided_at": None if one.decided_at is None else one.decided_at.isoformat(),
        "reason": one.reason,
        "definition_version": one.apply_no,
    }
