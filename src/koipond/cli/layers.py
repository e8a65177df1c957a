"""`koipond layers`: how many customers stand in each layer."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from koipond.cli.reply import AsOf, JsonFlag, left_out_text, parse_day, say, with_facts
from koipond.frames import text_table

MOVES_SHOWN = 30
_BLOCKS = (("Lifecycle", "lifecycle"), ("Flags", "flags"), ("AIPL", "aipl"), ("Value grade", "grade"))
_NOT_YET = "none yet; the first run is at the first refresh after the first apply"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="RFM, lifecycle, AIPL and value grades on the observation day.")
    def layers(
        context: typer.Context,
        since: Annotated[
            str | None, typer.Option(metavar="YYYY-MM-DD", help="Also show who moved after that day.")
        ] = None,
        as_of: AsOf = None,
        as_json: JsonFlag = False,
    ) -> None:
        from koipond.bootstrap import open_app
        from koipond.worker.layers import layer_counts

        with open_app(context.obj) as app:
            data = layer_counts(app, parse_day(as_of), parse_day(since))
        say(data, lambda: with_facts(data, layers_text(data)), as_json=as_json)


def layers_text(data: Mapping[str, Any]) -> str:
    """Return the counts as tables."""
    buyers, rfm = data["buyers"], data["rfm"]
    parts = [
        f"{data['customers']:,} customers, {buyers:,} buyers as of {data['as_of']}"
        f" (definition version {data['definition_version']}){left_out_text(data['left_out'])}",
        f"RFM: {rfm['customers']:,} scored\n{_counts(rfm['cells'], buyers)}",
        f"RFM level\n{_counts(rfm['level'], rfm['customers'])}",
    ]
    parts += [f"{title}\n{_counts(data[key], buyers)}" for title, key in _BLOCKS]
    held = data["held_grade"]
    parts.append(f"Held grade\n{_counts(held, buyers) if any(held.values()) else _NOT_YET}")
    parts.append(f"Contradictions between layers\n{_counts(data['contradictions'], buyers)}")
    if "flow" in data:
        parts += _moved_text(data)
    return "\n\n".join(parts)


def _moved_text(data: Mapping[str, Any]) -> list[str]:
    flow, header = data["flow"], ["start", "kept", "deepened", "shallower", "lost", "new"]
    stages = {**flow["stages"], "any": flow["total"]}
    rows = [[name, *(stage[key] for key in header)] for name, stage in stages.items()]
    kinds = ["layer", "before", "after", "cause", "customers"]
    moves = [["-" if row[kind] is None else row[kind] for kind in kinds] for row in data["movements"]]
    fast = data["fast"]
    rates = ["-" if fast[key] is None else f"{fast[key]:.2%}" for key in ("advancing_rate", "thriving_rate")]
    if not moves:
        moves = [["none told by a refresh", "", "", "", ""]]
    return [
        f"AIPL flow from {flow['start_on']}\n{text_table(['stage', *header], rows)}",
        f"FAST: {fast['fertility']:,} with a stage, {rates[0]} deepened in a week,"
        f" {fast['superiority']:,} members within reach, {rates[1]} of them active",
        f"Movements since {flow['start_on']}\n{text_table(kinds, moves[:MOVES_SHOWN])}"
        + (f"\n… {len(moves) - MOVES_SHOWN} more: --json" if len(moves) > MOVES_SHOWN else ""),
    ]


def _counts(counts: Mapping[str, int], whole: int) -> str:
    rows = [[name, count, f"{count / whole:.1%}" if whole else "-"] for name, count in counts.items()]
    return text_table(["", "customers", "of buyers"], rows)
