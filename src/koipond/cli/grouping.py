"""`koipond lists | tags`: people put into groups by hand, and how fresh tags are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koipond.cli.reply import AsOf, JsonFlag, parse_day, say
from koipond.frames import text_table
from koipond.kernel import InputError, epoch_day

if TYPE_CHECKING:
    from koipond.bootstrap import App
    from koipond.segments.tag_definition import TagGroup

LINES_MAX = 5_000_000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    lists = typer.Typer(help="Lists of customers from files.", no_args_is_help=True)
    lists.command(name="import", help="Make the shop ids of FILE, one a line, the whole list KEY.")(bring)
    lists.command(name="show", help="Every list.")(show_lists)
    app.add_typer(lists, name="lists")
    tags = typer.Typer(help="Tags by rule and by hand.", no_args_is_help=True)
    tags.command(name="set", help="Give a customer a tag by hand, or take the group off.")(set_tag)
    tags.command(name="report", help="How fresh every tag is.")(report)
    app.add_typer(tags, name="tags")


def bring(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY")],
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    source: Annotated[str, typer.Option(help="Whose ids they are.")] = "default",
    author: Annotated[str, typer.Option(help="Who brings it.")] = "cli",
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.ingest.ports import PersonKeys
    from koipond.segments.lists import bring_list

    people = [PersonKeys(source=source, shop_id=line) for line in _lines(file)]
    with open_app(context.obj) as app:
        store = app.store
        made = bring_list(key, people, store.identity, store.lists, author=author, now=app.machine.now())
        data = {**made.to_dict(), **app.stamp()}
    say(data, lambda: f"{key}: {made.members:,} customers of {made.read:,} lines", as_json=as_json)


def show_lists(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app

    with open_app(context.obj) as app:
        day = app.observation_day(parse_day(as_of))
        instant = app.end_of(day)
        rows = [
            {"list": one.key, "customers": one.member_count, "author": one.author, "at": one.at.isoformat()}
            for one in app.store.lists.lists()
            if one.at <= instant
        ]
        stamp = app.stamp(day)
    table = [[*row.values()] for row in rows]
    say(
        {"lists": rows, **stamp},
        lambda: text_table(["list", "customers", "author", "at"], table),
        as_json=as_json,
    )


def set_tag(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER")],
    group: Annotated[str, typer.Argument(metavar="GROUP")],
    value: Annotated[str | None, typer.Argument(metavar="[VALUE]", help="None takes the group off.")] = None,
    author: Annotated[str, typer.Option(help="Who says so.")] = "cli",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    until: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Last day it holds.")] = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.segments.ports import TagChange
    from koipond.worker.explaining import one_customer

    last = parse_day(until, "--until")
    with open_app(context.obj) as app:
        found = _group(app, group, value)
        change = TagChange(
            customer_no=one_customer(app, customer),
            tag_group=group,
            value=value,
            author=author,
            reason=reason,
            until_day=None if last is None else epoch_day(last),
        )
        day = app.observation_day(None)
        changed = app.store.tags.change_tags(
            [change], exclusive=found.exclusive, day=epoch_day(day), now=app.clock.now()
        )
        data = {"customer_no": change.customer_no, "group": group, "value": value, "changed": changed}
        data |= app.stamp(day)
    say(data, lambda: "done; rules see it after a refresh" if changed else "no change", as_json=as_json)


def report(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app
    from koipond.segments.tag_report import tag_report

    with open_app(context.obj) as app, app.reading(parse_day(as_of)) as (reader, day):
        found = tag_report(app.scope(reader, day), list(app.runtime.tags.values()))
        rows: list[dict[str, Any]] = [one.to_dict() for one in found]
        data = {"tags": rows, **app.stamp(day)}
    header = list(rows[0]) if rows else ["tag"]
    table = [[str(value) for value in row.values()] for row in rows]
    say(data, lambda: text_table(header, table), as_json=as_json)


def _group(app: "App", key: str, value: str | None) -> "TagGroup":
    groups = app.runtime.tags
    if key not in groups:
        raise InputError(f"no tag group '{key}' is applied; there is {', '.join(sorted(groups)) or 'none'}")
    found = groups[key]
    if found.source != "manual":
        raise InputError(f"tags of '{key}' are given by rule; change the rule instead")
    if value is not None and found.values and value not in found.values:
        raise InputError(f"'{key}' has no tag '{value}'; there is {', '.join(found.values)}")
    return found


def _lines(file: Path) -> list[str]:
    from koipond.sources.text import list_lines

    return [line for _, line in list_lines(file, LINES_MAX, "id")]
