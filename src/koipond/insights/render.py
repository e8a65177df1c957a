"""A lift report for people: terminal text, one self-contained HTML page, CSV; from `LiftReport.to_dict()`."""

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from koipond.frames import text_table
from koipond.insights.words import WORDS, Language
from koipond.kernel import minor_digits
from koipond.rules.labels import CHOICES, label

Report = Mapping[str, Any]
_CSV_FACTS = (
    *("strategy", "as_of", "definition_version", "rehearsed"),
    *("population", "first_result_on", "srm_p", "cost_fen"),
)
_LEFT_OUT = ("pending", "merged", "unreal", "staff")
Table = tuple[str, list[str], list[list[str]]]

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
.note{color:#5b6875}
.say{font-size:1.1rem;border-left:4px solid #2f7d5b;padding:.4rem .8rem;background:#f2f7f4}
.rehearsed{background:#fff3d6;border:1px solid #e0b84d;padding:.4rem .8rem;margin:.8rem 0}
table{border-collapse:collapse;width:100%}
th,td{padding:.35rem .6rem;border-bottom:1px solid #dfe5ea;text-align:right}
th:first-child,td:first-child{text-align:left}th{font-weight:600;color:#5b6875}
"""


def to_text(report: Report, *, currency: str, language: Language = "en") -> str:
    """Return the report for a terminal."""
    parts = [_heading(report, language), first_result(report, language), report["sentence"]]
    parts += [
        f"{title}\n{text_table(header, rows)}" for title, header, rows in _tables(report, currency, language)
    ]
    return "\n\n".join(part for part in parts if part)


def to_html(report: Report, *, currency: str, language: Language = "en") -> str:
    """Return the report as one page without scripts or outside references."""
    language_tag = "zh-CN" if language == "zh" else language
    return (
        f"<!doctype html><html lang={language_tag}><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'><title>{escape(report['strategy'])}</title>"
        f"<style>{_STYLE}</style>{report_body(report, currency=currency, language=language)}</html>\n"
    )


def style() -> str:
    """Return the style sheet of the reports' pages."""
    return _STYLE


def report_body(report: Report, *, currency: str, language: Language = "en") -> str:
    """Return the report as HTML to stand in a page that has the style of `style`."""
    word = WORDS[language]
    body = [f"<h1>{escape(report['strategy'])}: {word['title']}</h1>"]
    body.append(f"<p class=note>{escape(_facts(report, language))}</p>")
    if report["rehearsed"]:
        body.append(f"<p class=rehearsed><b>{word['rehearsed']}</b>. {word['rehearsed_long']}</p>")
    if soon := first_result(report, language):
        body.append(f"<p class=note>{escape(soon)}</p>")
    if report["sentence"]:
        body.append(f"<p class=say>{escape(report['sentence'])}</p>")
    body += [_html_table(*table) for table in _tables(report, currency, language)]
    return "".join(body)


def to_csv(report: Report) -> str:
    """Return arms and effects as one long table: section, name, field, value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["section", "name", "field", "value"])
    for name in _CSV_FACTS:
        writer.writerow(["report", name, "", report.get(name)])
    for arm in report["arms"]:
        writer.writerows(["arm", arm["arm"], field, value] for field, value in arm.items() if field != "arm")
    for effect in report["effects"]:
        rows = [("p", effect["p"]), ("method", effect["method"])]
        for kind in ("absolute", "relative"):
            rows += [(f"{kind}_{field}", value) for field, value in effect[kind].items()]
        writer.writerows(["effect", effect["metric"], field, value] for field, value in rows)
    return out.getvalue()


def first_result(report: Report, language: Language) -> str:
    """Return on which day the first outcome window is over, nothing once one is."""
    on = report.get("first_result_on")
    return f"{WORDS[language]['first_result']} {on}." if on and not report["population"] else ""


def money(minor: float | None, currency: str) -> str:
    """Return minor units as major ones with thousands marks and the currency's code."""
    if minor is None:
        return "-"
    digits = minor_digits(currency)
    return f"{minor / 10**digits:,.{digits}f} {currency}"


def _heading(report: Report, language: Language) -> str:
    word = WORDS[language]
    mark = f"[{word['rehearsed']}] " if report["rehearsed"] else ""
    return f"{mark}{report['strategy']}: {word['title']}\n{_facts(report, language)}"


def _facts(report: Report, language: Language) -> str:
    word, left = WORDS[language], report["left_out"]
    out = ", ".join(f"{left[name]} {word[name]}" for name in _LEFT_OUT if left[name])
    facts = [
        f"{word['as_of']} {report.get('as_of', '')}",
        f"{word['version']} {report.get('definition_version', '')}",
        f"{word['population']} {report['population']:,} {word['customers']}",
        f"{word['window']} {report['window_days']} {word['days']}",
    ]
    return " · ".join([*facts, *([f"{word['left_out']}: {out}"] if out else [])])


def _tables(report: Report, currency: str, language: Language) -> list[Table]:
    tables = [_arms(report, currency, language)]
    if report["effects"]:
        tables += [_effects(report, currency, language), _incremental(report, currency, language)]
    if report["variants"]:
        tables.append(_variants(report["variants"], language))
    if report["breakdown"]:
        tables.append(_breakdown(report["breakdown"], language))
    if report["responses"]:
        word = WORDS[language]
        rows = [[word.get(kind, kind), f"{count:,}"] for kind, count in report["responses"].items()]
        tables.append((word["responses"], [word["responses"], word["customers"]], rows))
    return tables


def _arms(report: Report, currency: str, language: Language) -> Table:
    word = WORDS[language]
    header = [word[name] for name in ("arm", "assigned", "touched", "converted", "rate", "revenue")]
    runs = [name for name in ("waiting", "waiting_touched") if any(arm.get(name) for arm in report["arms"])]
    header += [word[name] for name in runs]
    rows = []
    for arm in report["arms"]:
        rate = arm["converted"] / arm["assigned"] if arm["assigned"] else 0.0
        counts = [f"{arm[name]:,}" for name in ("assigned", "touched", "converted")]
        name = word.get(arm["arm"], arm["arm"])
        still = [f"{arm[run]:,}" for run in runs]
        rows.append([name, *counts, f"{rate:.2%}", money(arm["revenue_fen"], currency), *still])
    return word["population"], header, rows


def _effects(report: Report, currency: str, language: Language) -> Table:
    word = WORDS[language]
    header = [word[name] for name in ("metric", "difference", "interval", "lift", "interval", "method")]
    rows = []
    for effect in report["effects"]:
        absolute, relative = effect["absolute"], effect["relative"]
        show = _shower(effect["metric"], currency)
        lift = relative["estimate"]
        rows.append(
            [
                word.get(effect["metric"], effect["metric"]),
                show(absolute["estimate"]),
                f"{show(absolute['low'])} … {show(absolute['high'])}",
                word["unknown"] if lift is None else f"{lift:+.1%}",
                "-" if relative["low"] is None else f"{relative['low']:+.1%} … {relative['high']:+.1%}",
                f"{effect['method']}; {relative['method']}",
            ]
        )
    p = report["srm_p"]
    return f"{word['lift']} ({word['srm']} {p:.3f})", header, rows


def _incremental(report: Report, currency: str, language: Language) -> Table:
    word, rows = WORDS[language], []
    for name, values in report["incremental"].items():
        if values is None:
            continue
        show = _shower(name, currency)
        rows.append([word[name], show(values["estimate"]), f"{show(values['low'])} … {show(values['high'])}"])
    if report["margin"]:
        after = {k: money(v, currency) for k, v in report["margin"]["after_cost_fen"].items()}
        name = f"{word['margin_after_cost']} ({_margin_basis(report['margin'], language)})"
        rows.append([name, after["estimate"], f"{after['low']} … {after['high']}"])
    rows.append([word["cost"], money(report["cost_fen"], currency), ""])
    rows.append([word["cost_per_order"], money(report["cost_per_incremental_order_fen"], currency), ""])
    return word["incremental"], ["", "", word["interval"]], rows


def _margin_basis(margin: Report, language: Language) -> str:
    """Return which share of the revenue has product margins, and what the rest counts at."""
    word, share, bp = WORDS[language], margin["product_margin_share"], margin["margin_bp"]
    rate = f"{(bp or 0) / 100:g}%"
    if not share:
        return word["margin_flat"].format(rate=rate)
    parts = [word["margin_products"].format(share=f"{share:.0%}")]
    if share < 1:
        parts.append(word["margin_unknown" if bp is None else "margin_default"].format(rate=rate))
    return ", ".join(parts)


def _variants(comparison: Report, language: Language) -> Table:
    word = WORDS[language]
    rows = [
        [
            f"{effect['arm']} − {comparison['control']}",
            word.get(effect["metric"], effect["metric"]),
            *_lift(effect["relative"], language),
            f"{effect['method']}; {effect['relative']['method']}",
        ]
        for effect in comparison["effects"]
    ]
    header = [word[name] for name in ("variants", "metric", "lift", "interval", "method")]
    return word["variants"], header, rows


def _breakdown(rows: Sequence[Report], language: Language) -> Table:
    word = WORDS[language]
    header = [word[name] for name in ("breakdown", "assigned", "difference", "interval", "method")]
    made = []
    for row in rows:
        show, difference = _shower(row["metric"], ""), row["absolute"]
        interval = f"{show(difference['low'])} … {show(difference['high'])}"
        made.append(
            [
                _layer_value(row, language),
                f"{row['customers']:,}",
                show(difference["estimate"]),
                interval,
                row["method"],
            ]
        )
    return word["breakdown"], header, made


def _layer_value(row: Report, language: Language) -> str:
    """Return a layer's value as the glossary calls it; a value of one's own stays as it is."""
    known = CHOICES.get(row["layer"])
    return label(known[row["value"]], language) if known and row["value"] in known else str(row["value"])


def _lift(relative: Report, language: Language) -> list[str]:
    if relative["estimate"] is None:
        return [WORDS[language]["unknown"], "-"]
    interval = "-" if relative["low"] is None else f"{relative['low']:+.1%} … {relative['high']:+.1%}"
    return [f"{relative['estimate']:+.1%}", interval]


def _shower(metric: str, currency: str) -> Any:
    """Return how an amount of ``metric`` is written: money, points of a share, whole counts, or a mean."""
    if metric.endswith("_fen"):
        return lambda value: money(value, currency)
    if metric == "conversion":
        return lambda value: f"{100 * value:+.2f} pp"
    if metric in ("conversions", "orders"):
        return lambda value: f"{value:+,.0f}"
    return lambda value: f"{value:+.4f}"


def _html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"
