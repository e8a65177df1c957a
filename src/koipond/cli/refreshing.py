"""`koipond refresh`: bring layers and segments to the observation day."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import typer

from koipond.cli.reply import AsOf, JsonFlag, parse_day, say, with_facts
from koipond.frames import text_table


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


def refresh_text(data: Mapping[str, Any]) -> str:
    """Return what a refresh did."""
    kind = "everybody" if data["full"] else "only whom facts or the clock moved"
    lines = [
        f"refreshed to {data['as_of']}: {data['refreshed']:,} customers ({kind}: {data['reason']}),"
        f" cut-offs frozen on {data['frozen_on']}"
    ]
    moved = {cause: count for cause, count in data["movements"].items() if count}
    if moved:
        lines.append("movements: " + ", ".join(f"{cause} {count:,}" for cause, count in moved.items()))
    lines += _held_text(data["held_grades"])
    rows = [[s["segment"], s["count"], s["error"] or "fresh"] for s in data["segments"]]
    if rows:
        lines.append(text_table(["segment", "customers", ""], rows))
    return "\n".join(lines)


def _held_text(held: Mapping[str, Any]) -> list[str]:
    """Return what became of held grades, nothing when nothing did."""
    run = held["run"]
    if run is not None:
        counts = ", ".join(f"{name} {run[name]:,}" for name in ("began", "up", "down", "kept", "ended"))
        return [f"held grades, monthly run of {run['day']}: {counts}"]
    return [f"held grades: {held['lifted']:,} lifted"] if held["lifted"] else []
