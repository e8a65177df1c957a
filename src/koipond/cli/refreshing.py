"""`koipond refresh`: bring layers and segments to the observation day."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import typer

from koipond.cli.explaining import CAUSES
from koipond.cli.reply import AsOf, JsonFlag, counted, heads, marked, parse_day, say, with_facts, word
from koipond.frames import text_table
from koipond.kernel import Message, joined, phrase, spoken


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Bring layers and segments to the observation day.")
    def refresh(
        context: typer.Context,
        as_of: AsOf = None,
        full: Annotated[bool, typer.Option("--full", help="Everybody; freeze cut-offs anew.")] = False,
        as_json: JsonFlag = False,
    ) -> None:
        from koipond.bootstrap import open_app
        from koipond.worker.freshness import facts_known
        from koipond.worker.refreshing import refresh_workspace

        with open_app(context.obj) as app:
            data = dict(refresh_workspace(app, parse_day(as_of), full=full))
            data |= facts_known(app, date.fromisoformat(data["as_of"]))
        say(data, lambda: with_facts(data, refresh_text(data)), as_json=as_json)


REASONS = marked(
    *("first", "definition", "day_went_back", "asked", "many_changes", "scalars_old", "incremental")
)
"""Why everybody was looked at anew, or only some."""


def refresh_text(data: Mapping[str, Any]) -> str:
    """Return what a refresh did."""
    kind = phrase("everybody") if data["full"] else phrase("only whom facts or the clock moved")
    lines = [
        phrase(
            "refreshed to {as_of}: {refreshed:,} customers ({kind}: {reason}), cut-offs frozen on "
            "{frozen_on}",
            as_of=data["as_of"],
            refreshed=data["refreshed"],
            kind=kind,
            reason=word(data["reason"]),
            frozen_on=data["frozen_on"],
        )
    ]
    moved = {cause: count for cause, count in data["movements"].items() if count}
    if moved:
        lines.append(
            phrase(
                "movements: {counts}",
                counts=joined(
                    ", ",
                    [
                        Message("{name} {count:,}", name=CAUSES[spoken()][cause], count=count)
                        for cause, count in moved.items()
                    ],
                ),
            )
        )
    lines += _held_text(data["held_grades"])
    rows = [[s["segment"], s["count"], s["error"] or phrase("fresh")] for s in data["segments"]]
    if rows:
        lines.append(text_table([*heads("segment", "customers"), ""], rows))
    return "\n".join(lines)


def _held_text(held: Mapping[str, Any]) -> list[str]:
    """Return what became of held grades, nothing when nothing did."""
    run = held["run"]
    if run is not None:
        counts = counted(run, marked("began", "up", "down", "kept", "ended"))
        return [phrase("held grades, monthly run of {day}: {counts}", day=run["day"], counts=counts)]
    return [phrase("held grades: {lifted:,} lifted", lifted=held["lifted"])] if held["lifted"] else []
