"""`koipond tags`: tags given by hand or from a file, and how fresh tags are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koipond.cli.lists import brought_text
from koipond.cli.reply import AsOf, JsonFlag, parse_day, parse_pairs, say, with_facts
from koipond.frames import text_table
from koipond.kernel import InputError, epoch_day, listed, phrase, spoken
from koipond.segments.tag_words import TAG_COLUMNS, TAG_ISSUES, TAG_SOURCES

if TYPE_CHECKING:
    from koipond.bootstrap import App
    from koipond.segments.tag_definition import TagGroup


def register(app: typer.Typer) -> None:
    """Add the commands."""
    tags = typer.Typer(help="Tags by rule and by hand.", no_args_is_help=True)
    tags.command(name="set", help="Give a customer a tag by hand, or take the group off.")(set_tag)
    tags.command(name="import", help="Give the people of FILE a tag by hand, each the value of its row.")(
        bring
    )
    tags.command(name="report", help="How fresh every tag is.")(report)
    app.add_typer(tags, name="tags")


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
    say(
        data,
        lambda: phrase("done; rules see it after a refresh") if changed else phrase("no change"),
        as_json=as_json,
    )


def bring(
    context: typer.Context,
    group: Annotated[str, typer.Argument(metavar="GROUP")],
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    value: Annotated[str | None, typer.Option(help="Of everybody; without it a column 'value'.")] = None,
    mapped: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Where an identifier stands.")
    ] = None,
    source: Annotated[str, typer.Option(help="Whose customer ids they are.")] = "default",
    author: Annotated[str, typer.Option(help="Who says so.")] = "cli",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    until: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Last day it holds.")] = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.listing import Tagging, bring_tags

    last = parse_day(until, "--until")
    with open_app(context.obj) as app:
        found = _group(app, group, value)
        asked = Tagging(
            group=found.key,
            values=found.values,
            exclusive=found.exclusive,
            value=value,
            author=author,
            reason=reason,
            until_day=None if last is None else epoch_day(last),
        )
        made = bring_tags(app, asked, file, source=source, told=parse_pairs(mapped, "--map"))
        data = {"group": group, **made.to_dict(), **app.stamp()}
    say(data, lambda: brought_text(group, data) + phrase("; rules see it after a refresh"), as_json=as_json)


def report(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app
    from koipond.insights.freshness import fact_rows
    from koipond.segments.tag_report import tag_report

    with open_app(context.obj) as app, app.reading(parse_day(as_of)) as (reader, day):
        found = tag_report(app.scope(reader, day), list(app.definitions.tags.values()))
        rows: list[dict[str, Any]] = [one.to_dict() for one in found]
        data = {"tags": rows, **fact_rows(reader, epoch_day(day)), **app.stamp(day)}
        language = spoken()
    say(data, lambda: with_facts(data, report_text(rows, language)), as_json=as_json)


def report_text(rows: Sequence[Mapping[str, Any]], language: str) -> str:
    """Return the freshness of tags as a table in one language."""
    heads, issues = TAG_COLUMNS[language], TAG_ISSUES[language]
    table = [
        [
            ("、" if language == "zh" else ", ").join(issues[one] for one in row[name])
            if name == "issues"
            else _shown(row[name], language)
            for name in heads
        ]
        for row in rows
    ]
    return text_table(list(heads.values()), table)


def _shown(value: Any, language: str) -> str:
    if value is None:
        return "-"
    return TAG_SOURCES[language].get(value, value) if isinstance(value, str) else f"{value:,}"


def _group(app: "App", key: str, value: str | None) -> "TagGroup":
    groups = app.definitions.tags
    if key not in groups:
        raise InputError(
            "no tag group '{key}' is applied; there is {groups}",
            key=key,
            groups=listed(sorted(groups)),
        )
    found = groups[key]
    if found.source != "manual":
        raise InputError("tags of '{key}' are given by rule; change the rule instead", key=key)
    if value is not None and found.values and value not in found.values:
        raise InputError(
            "'{key}' has no tag '{value}'; there is {values}",
            key=key,
            value=value,
            values=listed(found.values),
        )
    return found
