"""`koipond pause | resume | pauses`: hold back what waits: everything, a channel, a strategy."""

from typing import TYPE_CHECKING, Annotated

import typer

from koipond.cli.reply import AsOf, JsonFlag, heads, local, parse_day, say
from koipond.frames import text_table
from koipond.kernel import InputError, Message, heard, listed, local_time, phrase

if TYPE_CHECKING:
    from koipond.bootstrap import App
    from koipond.store.pauses import Pause

Scope = Annotated[str, typer.Argument(metavar="SCOPE", help="all, channel:KEY or strategy:KEY.")]
By = Annotated[str, typer.Option(help="Who says so.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks later.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(help="Hold back what waits of SCOPE from now on; nothing is lost.")(pause)
    app.command(help="Let what waits of SCOPE go again.")(resume)
    app.command(help="What is paused, since when, by whom and why.")(pauses)


def pause(
    context: typer.Context,
    scope: Scope,
    by: By,
    reason: Reason = "",
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app

    author = named(by)
    with open_app(context.obj) as app:
        require_scope(app, scope)
        new = app.store.pauses.pause(scope, by=author, reason=reason.strip(), now=app.clock.now())
        found = next(one for one in app.store.pauses.all() if one.scope == scope)
        data = {**pause_row(found), "new": new, **app.stamp()}
        since = local_time(found.since, app.zone)
    text = phrase("is paused") if new else phrase("was paused already")
    say(
        data,
        lambda: phrase(
            "{scope} {text}, since {since} by {by}", scope=scope, text=text, since=since, by=data["by"]
        ),
        as_json=as_json,
    )


def resume(context: typer.Context, scope: Scope, by: By, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app

    author = named(by)
    with open_app(context.obj) as app:
        held = app.store.pauses.all()
        if scope not in {one.scope for one in held}:
            require_scope(app, scope)
        found = app.store.pauses.resume(scope, by=author, now=app.clock.now())
        data = {"scope": scope, "resumed": found is not None, **app.stamp()}
    said = Message(
        "{scope} goes on; what waits is sent at the next: koipond send, or by: koipond serve", scope=scope
    )
    say(
        data,
        lambda: heard(said) if data["resumed"] else phrase("{scope} was not paused", scope=scope),
        as_json=as_json,
    )


def pauses(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app

    with open_app(context.obj) as app:
        day = app.observation_day(parse_day(as_of))
        rows = [pause_row(one) for one in app.store.pauses.all() if one.since <= app.end_of(day)]
        stamp, place = app.stamp(day), app.zone
    table = [[*(row | {"since": local(row["since"], place)}).values()] for row in rows]
    header = heads("scope", "since", "by", "reason")
    text = text_table(header, table) if rows else phrase("nothing is paused")
    say({"pauses": rows, **stamp}, lambda: text, as_json=as_json)


def pause_row(one: "Pause") -> dict[str, str]:
    """Return a pause as plain values."""
    return {"scope": one.scope, "since": one.since.isoformat(), "by": one.author, "reason": one.reason}


def named(by: str) -> str:
    """Return who says so; raise InputError when nobody does."""
    if not by.strip():
        raise InputError("--by is empty; say who it is")
    return by.strip()


def require_scope(app: "App", scope: str) -> None:
    """Raise InputError for a scope that names nothing, saying what there is."""
    strategies = {*app.definitions.strategies, *app.store.outbox(app.zone).waiting_strategies()}
    known = ["all", *(f"channel:{key}" for key in app.sheets)]
    known += [f"strategy:{key}" for key in sorted(strategies)]
    if scope not in known:
        raise InputError("there is no scope '{scope}'; there is {known}", scope=scope, known=listed(known))
