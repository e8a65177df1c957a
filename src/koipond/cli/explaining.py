"""`koipond why`: one customer, every play: what happens and why, in words."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from koipond.cli.language import language_written
from koipond.cli.reply import AsOf, JsonFlag, LanguageOption, parse_day, say, with_facts
from koipond.kernel import in_language, joined

_HEADINGS = {
    "zh": "客户 {customer_no}，统计日期 {as_of}",
    "en": "customer {customer_no} as of {as_of}",
    "id": "pelanggan {customer_no} per {as_of}",
}

CAUSES = {
    "zh": {
        "facts": "新事实",
        "clock": "时间推移",
        "recut": "重新划分界线",
        "definition": "定义变更",
        "correction": "数据更正",
    },
    "en": {
        "facts": "new facts",
        "clock": "time passed",
        "recut": "cut-offs taken anew",
        "definition": "the definition changed",
        "correction": "facts corrected",
    },
    "id": {
        "facts": "fakta baru",
        "clock": "waktu berlalu",
        "recut": "batas dihitung ulang",
        "definition": "definisi berubah",
        "correction": "koreksi data",
    },
}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Say for one customer what each play does and why.")
    def why(
        context: typer.Context,
        customer: Annotated[
            str, typer.Argument(metavar="CUSTOMER", help="Shop id, phone or e-mail; else our uid or number.")
        ],
        plan: Annotated[str | None, typer.Option(help="A plan already made; default: computed now.")] = None,
        language: LanguageOption = None,
        as_of: AsOf = None,
        as_json: JsonFlag = False,
    ) -> None:
        from koipond.bootstrap import open_app
        from koipond.cli.planning import plan_key
        from koipond.worker.explaining import explain_customer

        spoken = language_written(language, context.obj)
        with open_app(context.obj) as app:
            key = plan_key(app, plan) if plan else None
            data = explain_customer(app, customer, parse_day(as_of), key)
        say(data, lambda: with_facts(data, why_text(data, spoken), spoken), as_json=as_json)


def why_text(data: Mapping[str, Any], language: str) -> str:
    """Return the explanation in one language."""
    lines = [_HEADINGS[language].format(**data)]
    if data["erased"]:
        lines.append(f"  ! {data['erased']['words'][language]}")
    if data["unreal"]:
        lines.append(f"  ! {data['unreal']['words'][language]}")
    if data["layers"]:
        lines.append("  " + _layers_text(data["layers"], language))
    lines += [f"  {data[key]['words'][language]}" for key in ("held_grade", "next_grade") if data[key]]
    lines += [f"  ! {one['words'][language]}" for one in data["contradictions"]]
    lines += [
        _said(language, f"{play['name'][language]}/{play['play']}", play["words"][language])
        for play in data["plays"]
    ]
    for segment in data["segments"]:
        mark = "✓" if segment["member"] else "✗"
        lines.append(f"{mark} {_said(language, segment['name'][language], segment['words'][language])}")
        lines += [f"    {segment['note']}"] if segment["note"] else []
        lines += [
            f"    {'  ' * one['depth']}{'✓' if one['holds'] else '✗'} {one['words'][language]}"
            for one in segment["lines"]
        ]
    moves = [one for one in data["history"] if (one["before"], one["after"]) != (None, "false")]
    lines += [_move_text(move, language) for move in moves]
    return "\n".join(lines)


def _said(language: Any, name: str, words: str) -> str:
    return in_language(joined(": ", (name, words)), language)


def _layers_text(layers: Mapping[str, Any], language: Any) -> str:
    """Return the layers a customer is in, in the words that rules are read in."""
    shown = [
        _value_text(name, value, language) for name, value in layers.items() if value not in (None, False)
    ]
    return ("；" if language == "zh" else "; ").join(shown)


def _value_text(name: str, value: Any, language: Any) -> str:
    from koipond.rules import Comparison, Field, default_catalog, words

    catalog = default_catalog("CNY")  # layers carry no money, so any currency reads them alike
    return words(Comparison(operand=Field(name=name), op="=", value=value), language, catalog)


def _move_text(move: Mapping[str, Any], language: Any) -> str:
    """Return one movement: the day, the value before and after, and what caused it."""
    from koipond.rules.labels import CHOICES, FIELD_LABELS, FLAG_PHRASES, label

    layer, cause = move["layer"], CAUSES[language][move["cause"]]
    if layer in FLAG_PHRASES:
        said = label(FLAG_PHRASES[layer][move["after"] != "true"], language)
    else:
        ends = [CHOICES[layer].get(move[end] or "", ("-", "-", "-")) for end in ("before", "after")]
        shown = [label(end, language) for end in ends]
        said = _said(language, label(FIELD_LABELS[layer], language), f"{shown[0]} → {shown[1]}")
    return f"{move['on']} {said}（{cause}）" if language == "zh" else f"{move['on']} {said} ({cause})"
