"""`koipond layers`: how many customers stand in each layer."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from koipond.cli.explaining import CAUSES
from koipond.cli.reply import AsOf, JsonFlag, heads, left_out_text, marked, parse_day, say, with_facts, word
from koipond.frames import text_table
from koipond.kernel import phrase, spoken
from koipond.rules.labels import CHOICES, FIELD_LABELS, FLAG_PHRASES, label

MOVES_SHOWN = 30
_BLOCKS = ("lifecycle", "flags", "aipl", "grade")
_OF = marked("of customers", "of buyers", "of those scored")
_OF_CUSTOMERS, _OF_BUYERS, _OF_SCORED = _OF
_MOVED = marked("start", "kept", "deepened", "shallower", "lost", "new")
_MOVES = marked("layer", "before", "after", "cause", "customers")
_CONTRADICTIONS = marked(
    "loyal_but_leaving", "high_but_churned", "core_but_low", "active_but_outside", "bought_but_prospect"
)


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
    rfm, buyers = data["rfm"], (data["buyers"], _OF_BUYERS)
    everybody, scored = (data["customers"], _OF_CUSTOMERS), (rfm["customers"], _OF_SCORED)
    parts = [
        phrase(
            "{customers:,} customers, {buyers:,} buyers as of {as_of} (definition version "
            "{definition_version}){left_out_text}",
            customers=data["customers"],
            buyers=data["buyers"],
            as_of=data["as_of"],
            definition_version=data["definition_version"],
            left_out_text=left_out_text(data["left_out"]),
        ),
        phrase(
            "RFM: {customers:,} scored\n{counts}",
            customers=rfm["customers"],
            counts=_counts("rfm_cell", rfm["cells"], buyers),
        ),
        f"{_title('rfm_level')}\n{_counts('rfm_level', rfm['level'], scored)}",
    ]
    parts += [
        f"{_title(key)}\n{_counts(key, data[key], buyers if key == 'grade' else everybody)}"
        for key in _BLOCKS
    ]
    held = data["held_grade"]
    none_yet = phrase("none yet; the first run is at the first refresh after the first apply")
    parts.append(
        f"{_title('held_grade')}\n{_counts('held_grade', held, buyers) if any(held.values()) else none_yet}"
    )
    found = _counts("contradictions", data["contradictions"], everybody)
    parts.append(f"{phrase('Contradictions between layers')}\n{found}")
    if "flow" in data:
        parts += _moved_text(data)
    return "\n\n".join(parts)


def _moved_text(data: Mapping[str, Any]) -> list[str]:
    flow, header = data["flow"], _MOVED
    stages = {**flow["stages"], "any": flow["total"]}
    rows = [[_value("aipl", name), *(stage[key] for key in header)] for name, stage in stages.items()]
    moves = [_move(row) for row in data["movements"]]
    fast = data["fast"]
    rates = ["-" if fast[key] is None else f"{fast[key]:.2%}" for key in ("advancing_rate", "thriving_rate")]
    if not moves:
        moves = [[phrase("none told by a refresh"), "", "", "", ""]]
    return [
        phrase(
            "AIPL flow from {start_on}\n{table}",
            start_on=flow["start_on"],
            table=text_table(heads("stage", *header), rows),
        ),
        phrase(
            "FAST: {fertility:,} with a stage, {advancing} deepened in a week, {superiority:,} members "
            "within reach, {thriving} of them active",
            fertility=fast["fertility"],
            advancing=rates[0],
            superiority=fast["superiority"],
            thriving=rates[1],
        ),
        phrase(
            "Movements since {start_on}\n{table}",
            start_on=flow["start_on"],
            table=text_table(heads(*_MOVES), moves[:MOVES_SHOWN]),
        )
        + (
            phrase("\n… {count} more: --json", count=len(moves) - MOVES_SHOWN)
            if len(moves) > MOVES_SHOWN
            else ""
        ),
    ]


def _move(row: Mapping[str, Any]) -> list[Any]:
    layer = row["layer"]
    ends = ["-" if row[end] is None else _value(layer, row[end]) for end in ("before", "after")]
    return [_title(layer), *ends, CAUSES[spoken()][row["cause"]], row["customers"]]


def _counts(layer: str, counts: Mapping[str, int], of: tuple[int, str]) -> str:
    """Return ``counts`` with their shares ``of`` so many people, called so."""
    whole, people = of
    rows = [
        [_value(layer, name), count, f"{count / whole:.1%}" if whole else "-"]
        for name, count in counts.items()
    ]
    return text_table(["", *heads("customers", people)], rows)


def _title(layer: str) -> str:
    """Return what a layer is called; a flag by what it says."""
    if layer == "flags":
        return phrase("Flags")
    return label(FIELD_LABELS[layer], spoken()) if layer in FIELD_LABELS else _value("flags", layer)


def _value(layer: str, value: str) -> str:
    if layer == "flags":
        return label(FLAG_PHRASES[value][0], spoken())
    if layer in FLAG_PHRASES:
        return phrase("yes") if value == "true" else phrase("no")
    return label(CHOICES[layer][value], spoken()) if value in CHOICES.get(layer, ()) else word(value)
