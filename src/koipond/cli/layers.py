"""`koipond layers`: how many customers stand in each layer."""

from collections.abc import Mapping
from typing import Any

import typer

from koipond.cli.reply import AsOf, JsonFlag, left_out_text, parse_day, say
from koipond.frames import text_table

_BLOCKS = (("Lifecycle", "lifecycle"), ("Flags", "flags"), ("AIPL", "aipl"), ("Value grade", "grade"))


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="RFM, lifecycle, AIPL and value grades on the observation day.")
    def layers(context: typer.Context, as_of: AsOf = None, as_json: JsonFlag = False) -> None:
        from koipond.bootstrap import open_app
        from koipond.segments.snapshot import count_layers

        with open_app(context.obj) as app, app.warehouse.read() as reader:
            day = app.observation_day(parse_day(as_of))
            data = {**count_layers(reader, app.layers, day), **app.stamp(day)}
        say(data, lambda: layers_text(data), as_json=as_json)


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
    return "\n\n".join(parts)


def _counts(counts: Mapping[str, int], whole: int) -> str:
    rows = [[name, count, f"{count / whole:.1%}" if whole else "-"] for name, count in counts.items()]
    return text_table(["", "customers", "of buyers"], rows)
