"""`koipond segments`: count a rule, list the segments."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from koipond.cli.language import language_written
from koipond.cli.reply import (
    AsOf,
    JsonFlag,
    heads,
    left_out_text,
    marked,
    parse_day,
    say,
    with_facts,
)
from koipond.frames import text_table
from koipond.kernel import InputError, epoch_day, heard, joined, phrase, spoken

if TYPE_CHECKING:
    from koipond.bootstrap import App
    from koipond.facts.ports import Reader
    from koipond.rules import Catalog


def register(app: typer.Typer) -> None:
    """Add the commands."""
    segments = typer.Typer(help="Customers by rule.", no_args_is_help=True)
    segments.command(name="list", help="Every applied segment: members, freshness, last error.")(show)
    segments.command(name="count", help="Count every node of a rule, or of a segment by key.")(count)
    app.add_typer(segments, name="segments")


def show(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app
    from koipond.facts.tables import count_left_out
    from koipond.insights.freshness import fact_rows
    from koipond.worker.overview import segment_rows

    with open_app(context.obj) as app:
        day = app.observation_day(parse_day(as_of))
        rows = segment_rows(app, day, language_written(None, context.obj))
        with app.warehouse.read() as reader:
            out = count_left_out(reader)
            notes = _doubts(app, reader, [row["segment"] for row in rows if row["count"] == 0], day)
            known = fact_rows(reader, epoch_day(day))
        rows = [{**row, "notes": notes.get(row["segment"], [])} for row in rows]
        data = {"segments": rows, "left_out": out, **known, **app.stamp(day)}
        language = spoken()
    columns = heads("segment", "name", "customers", "freshness")
    table = [[row["segment"], row["name"], row["count"], heard(row["freshness"])] for row in rows]
    said = [f"! {heard(joined(': ', (row['name'], one[language])))}" for row in rows for one in row["notes"]]
    head = phrase("as of {as_of}{left_out_text}", as_of=data["as_of"], left_out_text=left_out_text(out))
    text = f"{head}\n{text_table(columns, table)}" + "".join(f"\n{one}" for one in said)
    say(data, lambda: with_facts(data, text), as_json=as_json)


FRESHNESS = marked("fresh", "failed", "too_old", "definition_changed", "never_refreshed", "of_a_later_day")


def _doubts(app: "App", reader: "Reader", keys: Sequence[str], day: date) -> dict[str, list[dict[str, str]]]:
    """Return segment → what its rule names that no fact ever held, for ``keys``, which have no members."""
    from koipond.segments.seen import unseen

    if not keys:
        return {}
    scope, segments = app.scope(reader, day), app.definitions.segments
    return {key: [one.words for one in unseen(scope, segments[key].rule)] for key in keys}


def count(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Rule text, or the key of an applied segment.")],
    as_of: AsOf = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.facts.tables import count_left_out
    from koipond.insights.freshness import fact_rows
    from koipond.rules import parse, to_text, walk, words
    from koipond.segments.count import count_rule
    from koipond.segments.seen import shown_traits, trait_types, unseen

    with open_app(context.obj) as app, app.reading(parse_day(as_of)) as (reader, day):
        known = app.scope(reader, day)
        scope = replace(known, catalog=replace(known.catalog, trait_types=app.settings.trait_types))
        given = _rule_text(app.store.definitions.current(), rule, scope.catalog)
        tree = parse(given, scope.catalog)
        shown = shown_traits(scope, tree)
        if types := trait_types(scope, tree, shown):  # raises what no value of such a trait can answer
            parse(given, replace(scope.catalog, trait_types={**scope.catalog.trait_types, **types}))
        language = spoken()
        counted = count_rule(scope, tree)
        for node, (_, part) in zip(counted["nodes"], walk(tree), strict=True):
            node["shown"] = to_text(part, scope.catalog, language)
        data = {**counted, "left_out": count_left_out(reader)}
        data |= {**fact_rows(reader, epoch_day(day)), **app.stamp(day)}
        data["notes"] = [one.words for one in unseen(scope, tree, shown)]
        said = words(tree, language, scope.catalog)
    notes = [f"! {one[language]}" for one in data["notes"]]
    text = "\n".join([said, count_text(data), *notes])
    say(data, lambda: with_facts(data, text), as_json=as_json)


def _rule_text(applied: Any, given: str, catalog: "Catalog") -> str:
    """Return the text of the rule that ``given`` is: the key of a segment, the JSON form, or a text."""
    from koipond.rules import from_dict, to_text

    if given.lstrip().startswith("{"):
        try:
            data = json.loads(given)
        except ValueError as error:
            raise InputError("the rule begins like JSON and is none: {error}", error=error) from error
        return to_text(from_dict(data, catalog), catalog)
    rules = {one.key: one.body["rule"] for one in applied if one.kind == "segment" and "rule" in one.body}
    return str(rules.get(given.strip(), given))


def count_text(data: Mapping[str, Any]) -> str:
    """Return the counts of the nodes, indented as the tree is."""
    rows = [
        [f"{'  ' * (node['path'].count('.') + bool(node['path']))}{node['shown']}", node["count"]]
        for node in data["nodes"]
    ]
    return text_table(
        [
            phrase(
                "as of {as_of}{left_out_text}",
                as_of=data["as_of"],
                left_out_text=left_out_text(data["left_out"]),
            ),
            *heads("customers"),
        ],
        rows,
    )
