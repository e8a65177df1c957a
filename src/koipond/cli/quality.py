"""`koipond quality`: what imports left out and who looks unreal; confirm, clear, undo."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from koipond.cli.reply import AsOf, JsonFlag, parse_day, say, with_facts
from koipond.frames import text_table
from koipond.kernel import epoch_day


def register(app: typer.Typer) -> None:
    """Add the commands."""
    quality = typer.Typer(help="What imports left out, who looks unreal.", invoke_without_command=True)
    quality.callback()(show)
    quality.command(name="confirm", help="Leave the people a rule flagged out of everything.")(confirm)
    quality.command(name="clear", help="Say that the people a rule flagged are real.")(clear)
    quality.command(name="undo", help="Take an import back; replaced orders return.")(undo)
    app.add_typer(quality, name="quality")


def show(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
    from koipond.bootstrap import open_app
    from koipond.ingest import read_quality
    from koipond.insights.freshness import fact_rows

    if context.invoked_subcommand:
        return
    with open_app(context.obj) as app, app.warehouse.read() as reader:
        report = read_quality(reader, app.quality_rules, app.store.verdicts)
        day = app.observation_day(parse_day(as_of))
        data = {**report.to_dict(), **fact_rows(reader, epoch_day(day)), **app.stamp(day)}
    say(data, lambda: with_facts(data, quality_text(data)), as_json=as_json)


Rule = Annotated[str, typer.Argument(metavar="RULE", help="test_account, reward_chaser, abnormal_frequency.")]
By = Annotated[str, typer.Option(help="Who decides.")]


def confirm(context: typer.Context, rule: Rule, by: By = "cli", as_json: JsonFlag = False) -> None:
    _decide(context, rule, "confirmed", by, as_json=as_json)


def clear(context: typer.Context, rule: Rule, by: By = "cli", as_json: JsonFlag = False) -> None:
    _decide(context, rule, "cleared", by, as_json=as_json)


def _decide(context: typer.Context, rule: str, verdict: str, by: str, *, as_json: bool) -> None:
    from koipond.bootstrap import open_app
    from koipond.ingest import decide_people, flagged_people

    with open_app(context.obj) as app:
        with app.warehouse.read() as reader:
            rows = reader.frame(flagged_people(reader, app.quality_rules)).to_pylist()
        people = [row["customer_no"] for row in rows if row["rule"] == rule]
        changed = decide_people(
            rule,
            people,
            verdict,
            by=by,
            warehouse=app.warehouse,
            verdicts=app.store.verdicts,
            clock=app.machine,
        )
        data = {"rule": rule, "verdict": verdict, "people": len(people), "changed": changed}
        data |= app.stamp()
    say(data, lambda: f"{changed} of {len(people)} people {verdict}", as_json=as_json)


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
    say(data, lambda: f"import {import_no} is undone", as_json=as_json)


def quality_text(data: Mapping[str, Any]) -> str:
    """Return the report for people."""
    lines = [f"{data['read']:,} rows read, {data['kept']:,} kept as of {data['as_of']}"]
    aside = [[rule, count] for rule, count in data["quarantined"].items() if count]
    if aside:
        lines.append(text_table(["put aside", "rows"], aside))
    people = [[rule, count] for rule, count in data["flagged"].items() if count]
    if people:
        lines += [
            text_table(["looks unreal (flagged only)", "people"], people),
            "Flagged people still count. Leave them out with: koipond quality confirm RULE --by NAME",
        ]
    return "\n".join(lines)
