"""`koipond quality`: what imports left out and who looks unreal; confirm, clear, undo."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from koipond.cli.import_report import rule_word
from koipond.cli.language import language_written
from koipond.cli.reply import AsOf, JsonFlag, heads, marked, parse_day, say, with_facts, word
from koipond.frames import text_table
from koipond.kernel import Amount, Message, epoch_day, heard, joined, phrase, spoken
from koipond.rules.labels import label


def register(app: typer.Typer) -> None:
    """Add the commands."""
    quality = typer.Typer(help="What imports left out, who looks unreal.", invoke_without_command=True)
    quality.callback()(show)
    quality.command(name="people", help="List who looks unreal, what they bought, what was decided.")(people)
    quality.command(name="confirm", help="Leave people a rule flagged out of everything.")(confirm)
    quality.command(name="clear", help="Say that people a rule flagged are real.")(clear)
    quality.command(name="rejects", help="Write all rows an import put aside, with their reasons.")(rejects)
    quality.command(name="undo", help="Take an import back; replaced orders return.")(undo)
    app.add_typer(quality, name="quality")


def show(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app
    from koipond.insights.freshness import fact_rows
    from koipond.worker.unreal import quality_now

    if context.invoked_subcommand:
        return
    with open_app(context.obj) as app, app.warehouse.read() as reader:
        report = quality_now(app, reader)
        day = app.observation_day(parse_day(as_of))
        data = {**report.to_dict(), **fact_rows(reader, epoch_day(day)), **app.stamp(day)}
    say(data, lambda: with_facts(data, quality_text(data)), as_json=as_json)


Rule = Annotated[str, typer.Argument(metavar="RULE", help="test_account, reward_chaser, abnormal_frequency.")]
Customers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CUSTOMER…]", help="Shop id, phone, e-mail or our number; default: all it flagged."
    ),
]
By = Annotated[str, typer.Option(help="Who decides.")]


def people(
    context: typer.Context,
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="Default: every rule.")] = None,
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.unreal import flagged_rows

    with open_app(context.obj) as app:
        rows, currency = flagged_rows(app, rule), app.settings.currency
        data = {"people": rows, **app.stamp()}
    say(data, lambda: people_text(rows, currency), as_json=as_json)


VERDICT_WORDS = marked("confirmed", "cleared")


def rule_said(rule: str) -> str:
    """Return a people rule as it is said, with its name, which commands take."""
    from koipond.strategy.why.words import PEOPLE_RULE_WORDS

    said = label(PEOPLE_RULE_WORDS[rule], spoken())
    return rule if spoken() == "en" else f"{said} ({rule})"


def people_text(rows: Sequence[Mapping[str, Any]], currency: str) -> str:
    """Return the flagged people as a table, with what each bought and what was decided."""
    if not rows:
        return phrase("nobody looks unreal, and nobody was decided on")
    header = heads("customer", "rule", "orders", "money", "first", "last", "verdict", "by", "at")
    table = [
        [
            *(row["customer_no"], rule_said(row["rule"]), row["orders"]),
            heard(Amount(row["money_fen"], currency)),
            *(row[name] or "-" for name in ("first_on", "last_on")),
            *(word(row["verdict"] or "-"), row["by"] or "-", row["at"] or "-"),
        ]
        for row in rows
    ]
    more = phrase("Leave one out with: koipond quality confirm RULE CUSTOMER --by NAME")
    return f"{text_table(header, table)}\n{more}"


def confirm(
    context: typer.Context, rule: Rule, customers: Customers = None, by: By = "cli", as_json: JsonFlag = False
) -> None:
    _decide(context, rule, customers, "confirmed", by, as_json=as_json)


def clear(
    context: typer.Context, rule: Rule, customers: Customers = None, by: By = "cli", as_json: JsonFlag = False
) -> None:
    _decide(context, rule, customers, "cleared", by, as_json=as_json)


def _decide(
    context: typer.Context, rule: str, customers: list[str] | None, verdict: str, by: str, *, as_json: bool
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.explaining import one_customer
    from koipond.worker.unreal import decide

    with open_app(context.obj) as app:
        wanted = [one_customer(app, one) for one in customers] if customers else None
        found, changed = decide(app, rule, wanted, verdict, by)
        data = {"rule": rule, "verdict": verdict, "people": found, "changed": changed}
        data |= app.stamp()
    say(
        data,
        lambda: phrase(
            "{changed} of {found} people {verdict}", changed=changed, found=found, verdict=word(verdict)
        ),
        as_json=as_json,
    )


def rejects(
    context: typer.Context,
    import_no: Annotated[int, typer.Argument(metavar="IMPORT", help="Number that the import printed.")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="A new CSV file.")],
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.worker.rejects import write_rejects

    with open_app(context.obj) as app:
        data = {
            "file": str(to),
            "rows": write_rejects(app, import_no, to, language_written(None, context.obj)),
            **app.stamp(),
        }
    say(data, lambda: phrase("{to}: {rows:,} rows", to=to, rows=data["rows"]), as_json=as_json)


def undo(
    context: typer.Context,
    import_no: Annotated[int, typer.Argument(metavar="IMPORT", help="Number that the import printed.")],
    as_json: JsonFlag = False,
) -> None:
    from koipond.bootstrap import open_app
    from koipond.ingest import undo_import
    from koipond.worker.flags import tell_flags

    with open_app(context.obj) as app:
        changes = undo_import(
            import_no,
            warehouse=app.warehouse,
            journal=app.store.imports,
            clock=app.machine,
            consents=app.store.consents,
            touches=app.store.touches,
            flags=app.store.people,
            zone=app.zone,
        )
        with app.warehouse.read() as reader:
            if reader.has("customers"):
                tell_flags(app, reader)  # who is staff or a minor may have come with it
        data = {"import_no": import_no, "changes": dict(changes), **app.stamp()}
    say(data, lambda: phrase("import {import_no} is undone", import_no=import_no), as_json=as_json)


def quality_text(data: Mapping[str, Any]) -> str:
    """Return the report for people."""
    lines = [
        phrase(
            "{read:,} rows read, {kept:,} kept as of {as_of}",
            read=data["read"],
            kept=data["kept"],
            as_of=data["as_of"],
        )
    ]
    aside = [[rule_word(rule), count] for rule, count in data["quarantined"].items() if count]
    if aside:
        lines.append(text_table(heads("put aside", "rows"), aside))
    flagged = [[rule_said(rule), count] for rule, count in data["flagged"].items() if count]
    if flagged:
        lines += [
            text_table(heads("looks unreal (flagged only)", "people"), flagged),
            phrase("Flagged people still count. List them with: koipond quality people"),
            phrase("Leave them out with: koipond quality confirm RULE [CUSTOMER…] --by NAME"),
        ]
    if data["left_out"]:
        rules = joined(
            ", ",
            [
                Message("{name} {count:,}", name=rule_said(rule), count=count)
                for rule, count in data["confirmed"].items()
            ],
        )
        lines.append(
            phrase(
                "{left_out:,} people confirmed as unreal are left out of everything ({rules})",
                left_out=data["left_out"],
                rules=rules,
            )
        )
    return "\n".join(lines)
