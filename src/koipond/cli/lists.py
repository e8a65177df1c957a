"""`koipond lists`: people brought in and handed out as files."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from koipond.cli.planning import plan_key
from koipond.cli.reply import AsOf, JsonFlag, heads, local, parse_day, parse_pairs, say, with_facts, worded
from koipond.frames import text_table
from koipond.kernel import joined, phrase


def register(app: typer.Typer) -> None:
    """Add the commands."""
    lists = typer.Typer(help="Lists of customers from files, and for other tools.", no_args_is_help=True)
    lists.command(name="import", help="Make the people of FILE the whole list KEY.")(bring)
    lists.command(name="show", help="Every list.")(show_lists)
    lists.command(name="export", help="Write a segment, a list or a plan's touches as a file; noted.")(export)
    app.add_typer(lists, name="lists")


def bring(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Ids, phones or e-mails: one a line, or a table.")
    ],
    mapped: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Where an identifier stands.")
    ] = None,
    source: Annotated[str, typer.Option(help="Whose customer ids they are.")] = "default",
    author: Annotated[str, typer.Option(help="Who brings it.")] = "cli",
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.listing import bring_list_file

    with open_app(context.obj) as app:
        made = bring_list_file(
            app, key, file, source=source, told=parse_pairs(mapped, "--map"), author=author
        )
        data = {**made.to_dict(), **app.stamp()}
    say(data, lambda: brought_text(key, data), as_json=as_json)


def brought_text(key: str, data: Mapping[str, Any]) -> str:
    """Return what became of the lines of a file of people."""
    text = phrase(
        "{key}: {members:,} customers of {read:,} lines", key=key, members=data["members"], read=data["read"]
    )
    if data["strangers"]:
        lines = joined(", ", map(str, data["stranger_lines"]))
        text += phrase(
            "; {strangers:,} are nobody's customer (line {lines})",
            strangers=data["strangers"],
            lines=lines + " …" * (data["strangers"] > 10),
        )
    if data["nameless"]:
        text += phrase("; {nameless:,} hold no id", nameless=data["nameless"])
    return text


def show_lists(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.freshness import facts_known

    with open_app(context.obj) as app:
        day = app.observation_day(parse_day(as_of))
        # they are made on the machine's days, which no day of a workspace that lives on its facts can tell
        instant = None if app.settings.clock == "last_fact" else app.end_of(day)
        rows: list[dict[str, Any]] = [
            {"list": one.key, "customers": one.member_count, "author": one.author, "at": one.at.isoformat()}
            for one in app.store.lists.lists()
            if instant is None or one.at <= instant
        ]
        data = {"lists": rows, **facts_known(app, day), **app.stamp(day)}
        place = app.zone
    table = [[*(row | {"at": local(row["at"], place)}).values()] for row in rows]
    text = text_table(heads("key", "customers", "author", "at"), table)
    say(data, lambda: with_facts(data, text), as_json=as_json)


def export(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="segment:KEY, list:KEY, plan:KEY or plan:latest.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="A new CSV file.")],
    purpose: Annotated[str, typer.Option(help="What it is for; kept in the audit.")],
    by: Annotated[str, typer.Option("--by", help="Who asks; kept in the audit.")],
    identifiers: Annotated[
        list[str] | None, typer.Option("--with", help="phone or email, in clear; repeat for both.")
    ] = None,
    channels: Annotated[
        list[str] | None,
        typer.Option(
            "--channel", help="What it is sent through: who said no there is left out. Default: any."
        ),
    ] = None,
    source: Annotated[str, typer.Option(help="Whose customer ids are given.")] = "default",
    as_of: AsOf = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.exporting import export_people, wanted
    from koipond.worker.freshness import facts_known

    asked = wanted(
        what,
        identifiers=identifiers or (),
        channels=channels or (),
        purpose=purpose,
        author=by,
        source=source,
    )
    with open_app(context.obj) as app:
        day = app.observation_day(parse_day(as_of))
        if asked.what == "plan":
            asked = replace(asked, key=plan_key(app, asked.key))
        found = export_people(app, asked, to, parse_day(as_of))
        data = {"file": str(to), "rows": found.rows, "left_out": dict(found.left_out)}
        data |= {"without": dict(found.without), "channels": list(asked.channels)}
        data |= {**facts_known(app, day), **app.stamp(day)}
    say(data, lambda: with_facts(data, exported_text(data)), as_json=as_json)


def exported_text(data: Mapping[str, Any]) -> str:
    """Return what a file of people holds, and who is not on it."""
    lines = [phrase("{file}: {rows:,} rows", file=data["file"], rows=data["rows"])]
    lines += [
        phrase("  left out, {reason}: {count:,}", reason=worded(reason), count=count)
        for reason, count in data["left_out"].items()
    ]
    lines += [
        phrase("  without {kind}: {count:,}", kind=kind, count=count)
        for kind, count in data["without"].items()
        if count
    ]
    return "\n".join(lines)
