"""`koipond report`: what a strategy earned against its hold-out."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from koipond.cli.language import language_written
from koipond.cli.reply import AsOf, JsonFlag, LanguageOption, note, parse_day, say
from koipond.kernel import InputError, joined, phrase

_FORMATS = ("text", "html", "csv", "json")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="The lift report of a strategy, as text, HTML, CSV or JSON.")
    def report(
        context: typer.Context,
        strategy: Annotated[str, typer.Argument(metavar="STRATEGY")],
        as_of: AsOf = None,
        form: Annotated[str, typer.Option("--format", help="text, html, csv or json.")] = "text",
        output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there.")] = None,
        language: LanguageOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        from koipond.bootstrap import open_app
        from koipond.worker.reporting import report_dict, strategy_report
        from koipond.worker.syncing import tell_facts

        if form not in _FORMATS:
            raise InputError("--format {form}: use {formats}", form=form, formats=joined(", ", _FORMATS))
        spoken = language_written(language, context.obj)
        with open_app(context.obj) as app:
            if not tell_facts(app, "report"):
                note(
                    phrase(
                        "another process writes: what was sent since its last writing is not in "
                        "this report yet"
                    )
                )
            with app.reading(parse_day(as_of)) as (reader, day):
                made = strategy_report(app, reader, strategy, day, language=spoken)
                data = report_dict(app, made, day)
            currency = app.settings.currency
        text = _rendered(data, form, currency, spoken)
        if output is None:
            return say(data, lambda: text, as_json=as_json)
        output.write_text(text, encoding="utf-8")
        say(data, lambda: phrase("wrote {output}", output=output), as_json=as_json)


def _rendered(data: Any, form: str, currency: str, language: Any) -> str:
    from koipond.insights.render import to_csv, to_html, to_text

    if form == "json":
        return json.dumps(data, ensure_ascii=False)
    if form == "csv":
        return to_csv(data)
    render = to_html if form == "html" else to_text
    return render(data, currency=currency, language=language)
