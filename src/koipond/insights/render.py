"""A lift report for people: terminal text, one self-contained HTML page, CSV; from `LiftReport.to_dict()`."""

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from koipond.frames import text_table
from koipond.insights.freshness_words import facts_line
from koipond.insights.words import WORDS, Language
from koipond.kernel import Amount, in_language, joined, number_in
from koipond.rules.labels import CHOICES, label

Report = Mapping[str, Any]
_CSV_FACTS = (
    *("strategy", "as_of", "definition_version", "rehearsed"),
    *("population", "first_result_on", "outcomes_known_to", "srm_p", "cost_fen"),
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
    parts.append(_raw_note(report, language))
    return "\n\n".join(part for part in parts if part)


def to_html(report: Report, *, currency: str, language: Language = "en") -> str:
    """Return the report as one page without scripts or outside references."""
    language_tag = "zh-CN" if language == "zh" else language
    return (
        f"<!doctype html><html lang={language_tag}><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'><title>{escape(_name(report, language))}</title>"
        f"<style>{_STYLE}</style>{report_body(report, currency=currency, language=language)}</html>\n"
    )


def style() -> str:
    """Return the style sheet of the reports' pages."""
    return _STYLE


def report_body(report: Report, *, currency: str, language: Language = "en") -> str:
    """Return the report as HTML to stand in a page that has the style of `style`."""
    word = WORDS[language]
    body = [f"<h1>{escape(_said(language, _name(report, language), word['title']))}</h1>"]
    body.append(f"<p class=note>{escape(_facts(report, language))}</p>")
    body.append(f"<p class=note>{escape(facts_line(report['newest_facts'], language))}</p>")
    if report["rehearsed"]:
        stop = "。" if language == "zh" else ". "
        body.append(f"<p class=rehearsed><b>{word['rehearsed']}</b>{stop}{word['rehearsed_long']}</p>")
    if soon := first_result(report, language):
        body.append(f"<p class=note>{escape(soon)}</p>")
    if report["sentence"]:
        body.append(f"<p class=say>{escape(report['sentence'])}</p>")
    body += [_html_table(*table) for table in _tables(report, currency, language)]
    if explained := _raw_note(report, language):
        body.append(f"<p class=note>{escape(explained)}</p>")
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
        rows.append(("adjusted", effect["adjusted"]))
        for kind in ("raw", "absolute", "relative"):
            rows += [(f"{kind}_{field}", value) for field, value in effect[kind].items()]
        writer.writerows(["effect", effect["metric"], field, value] for field, value in rows)
    for name in ("spent", "spent_to_date"):
        writer.writerows([name, "", field, value] for field, value in report[name].items())
    for row in (report["variants"] or {}).get("rows", ()):
        writer.writerows(
            ["variant", row["arm"], field, value] for field, value in row.items() if field != "arm"
        )
    return out.getvalue()


def first_result(report: Report, language: Language) -> str:
    """Return on which day the first outcome window is over, nothing once one is."""
    word, on = WORDS[language], report.get("first_result_on")
    if not on or report["population"]:
        return ""
    if on > report.get("as_of", on):
        return f"{word['first_result']} {on}{'。' if language == 'zh' else '.'}"
    known = report["outcomes_known_to"]
    return word["first_unseen"].format(on=on, known=known) if known else word["no_orders"]


def money(minor: float | None, currency: str, language: Language = "en") -> str:
    """Return an amount as ``language`` writes it, a dash for none."""
    return "-" if minor is None else Amount(minor, currency).in_language(language)


def share(value: float, language: Language) -> str:
    """Return a share as ``language`` writes it: 12.34%."""
    return number_in(f"{value:.2%}", language)


_POINTS: Mapping[Language, str] = {"zh": " 个百分点", "en": " pp", "id": " poin persentase"}


def _heading(report: Report, language: Language) -> str:
    word = WORDS[language]
    mark = f"[{word['rehearsed']}] " if report["rehearsed"] else ""
    newest = facts_line(report["newest_facts"], language)
    head = _said(language, _name(report, language), word["title"])
    return f"{mark}{head}\n{_facts(report, language)}\n{newest}"


def _name(report: Report, language: Language) -> str:
    """Return what the brand calls the strategy, its key behind it; the key alone without such a name."""
    key, name = str(report["strategy"]), (report.get("name") or {}).get(language)
    if not name or name == key:
        return key
    return f"{name}（{key}）" if language == "zh" else f"{name} ({key})"


def _said(language: Language, name: str, words: str) -> str:
    return in_language(joined(": ", (name, words)), language)


def _raw_note(report: Report, language: Language) -> str:
    """Return what raw and adjusted differences are; nothing without any effect."""
    if not report["effects"]:
        return ""
    adjusted = any(effect["adjusted"] for effect in report["effects"])
    return WORDS[language]["raw_note" if adjusted else "raw_only_note"]


def _facts(report: Report, language: Language) -> str:
    word, left = WORDS[language], report["left_out"]
    parts = [_left(left[name], word[name], language) for name in _LEFT_OUT if left[name]]
    out = in_language(joined(", ", parts), language)
    facts = [
        f"{word['as_of']} {report.get('as_of', '')}",
        f"{word['version']} {report.get('definition_version', '')}",
        f"{word['population']} {number_in(format(report['population'], ','), language)} {word['customers']}",
        f"{word['window']} {report['window_days']} {word['days']}",
    ]
    known = report["outcomes_known_to"]
    if known and known < report.get("as_of", known):
        facts.append(f"{word['outcomes_known_to']} {known}")
    if report["waiting_for_orders"]:
        waiting = number_in(format(report["waiting_for_orders"], ","), language)
        facts.append(_said(language, word["unseen"], f"{waiting} {word['customers']}"))
    return " · ".join([*facts, *([_said(language, word["left_out"], out)] if out else [])])


def _left(people: int, why: str, language: Language) -> str:
    count = number_in(f"{people:,}", language)
    return f"{why} {count} 人" if language == "zh" else f"{count} {why}"


def _tables(report: Report, currency: str, language: Language) -> list[Table]:
    tables = [_arms(report, currency, language)]
    if report["effects"]:
        tables += [_effects(report, currency, language), _incremental(report, currency, language)]
    if report["spent_to_date"]["touches"]:
        tables.append(_spending(report, currency, language))
    if report["variants"]:
        tables += _variants(report["variants"], currency, language)
    if report["breakdown"]:
        tables.append(_breakdown(report["breakdown"], language))
    if report["responses"]:
        word = WORDS[language]
        mine = report["responses_counted"]
        rows = [
            [word.get(kind, kind), *(number_in(f"{n:,}", language) for n in (mine.get(kind, 0), every))]
            for kind, every in report["responses"].items()
        ]
        header = [word[name] for name in ("responses", "spending_counted", "spending_to_date")]
        tables.append((word["responses"], header, rows))
    return tables


def _arms(report: Report, currency: str, language: Language) -> Table:
    word = WORDS[language]
    header = [word[name] for name in ("arm", "assigned", "touched", "converted", "rate", "revenue")]
    runs = [name for name in ("waiting", "waiting_touched") if any(arm.get(name) for arm in report["arms"])]
    header += [word[name] for name in runs]
    rows = []
    for arm in report["arms"]:
        rate = arm["converted"] / arm["assigned"] if arm["assigned"] else 0.0
        counts = [number_in(f"{arm[name]:,}", language) for name in ("assigned", "touched", "converted")]
        name = word.get(arm["arm"], arm["arm"])
        still = [number_in(f"{arm[run]:,}", language) for run in runs]
        rows.append(
            [name, *counts, share(rate, language), money(arm["revenue_fen"], currency, language), *still]
        )
    return word["population"], header, rows


def _effects(report: Report, currency: str, language: Language) -> Table:
    word = WORDS[language]
    rows = [_effect(effect, effect["metric"], currency, language) for effect in report["effects"]]
    return (
        f"{word['lift']} ({word['srm']} {number_in(format(report['srm_p'], '.3f'), language)})",
        _effect_header("metric", language),
        rows,
    )


def _effect_header(first: str, language: Language) -> list[str]:
    names = (first, "raw", "adjusted", "interval", "lift", "interval", "method")
    return [WORDS[language][name] for name in names]


def _effect(effect: Report, metric: str, currency: str, language: Language) -> list[str]:
    """Return one effect: the plain difference, the adjusted one with its interval, and the lift."""
    word, show = WORDS[language], _shower(metric, currency, language)
    low, high = (effect.get("absolute") or effect)["low"], (effect.get("absolute") or effect)["high"]
    estimate = effect["absolute"]["estimate"] if "absolute" in effect else effect["difference"]
    raw = effect["raw"]
    sides = " − ".join(_side(raw[arm], metric, currency, language) for arm in ("treated", "control"))
    return [
        word.get(metric, metric),
        f"{sides} = {show(raw['difference'])}",
        show(estimate) if effect["adjusted"] else "=",
        f"{show(low)} … {show(high)}",
        *_lift(effect["relative"], language),
        in_language(joined("; ", (effect["method"], effect["relative"]["method"])), language),
    ]


def _side(value: float, metric: str, currency: str, language: Language) -> str:
    """Return what one arm has by itself: a share, money, or a mean."""
    if metric.endswith("_fen"):
        return money(value, currency, language)
    return share(value, language) if metric == "conversion" else number_in(f"{value:.4f}", language)


def _spending(report: Report, currency: str, language: Language) -> Table:
    """Return touches, codes and cost of those who count, and of everybody to date."""
    word, mine, every = WORDS[language], report["spent"], report["spent_to_date"]
    offer = "offer_cost" if every["redeemed"] is not None else "offer_cost_all"
    counts = [("touches", "touches")]
    if every["issued"]:
        counts += [("issued", "issued"), ("redeemed", "redeemed")]
        counts += [("redeemed_later", "redeemed_later")] if mine["redeemed_later"] else []
        counts += [("code_expired", "expired"), ("code_open", "open")]
    moneys = [("message_cost", "message_cost_fen")]
    if every["issued"]:
        moneys += [(offer, "offer_cost_fen"), ("cost_sum", "cost_fen"), ("liability", "liability_fen")]

    def shown(one: Report, key: str) -> str:
        if one[key] is None:
            return word["unknown_count"]
        if key.endswith("_fen"):
            return money(one[key], currency, language)
        return number_in(f"{one[key]:,}", language)

    rows = [[word[name], shown(mine, key), shown(every, key)] for name, key in (*counts, *moneys)]
    return word["spending"], ["", word["spending_counted"], word["spending_to_date"]], rows


def _incremental(report: Report, currency: str, language: Language) -> Table:
    word, rows = WORDS[language], []
    for name, values in report["incremental"].items():
        if values is None:
            continue
        show = _shower(name, currency, language)
        rows.append([word[name], show(values["estimate"]), f"{show(values['low'])} … {show(values['high'])}"])
    if report["margin"]:
        after = {k: money(v, currency, language) for k, v in report["margin"]["after_cost_fen"].items()}
        name = f"{word['margin_after_cost']} ({_margin_basis(report['margin'], language)})"
        rows.append([name, after["estimate"], f"{after['low']} … {after['high']}"])
    rows.append([word["cost"], money(report["cost_fen"], currency, language), ""])
    each = money(report["cost_per_incremental_order_fen"], currency, language)
    rows.append([word["cost_per_order"], each, ""])
    return word["incremental"], ["", "", word["interval"]], rows


def _margin_basis(margin: Report, language: Language) -> str:
    """Return which share of the revenue has product margins, and what the rest counts at."""
    word, share, bp = WORDS[language], margin["product_margin_share"], margin["margin_bp"]
    rate = f"{(bp or 0) / 100:g}%"
    if not share:
        return word["margin_flat"].format(rate=rate)
    parts = [word["margin_products"].format(share=number_in(f"{share:.0%}", language))]
    if share < 1:
        parts.append(word["margin_unknown" if bp is None else "margin_default"].format(rate=rate))
    return ", ".join(parts)


def _variants(variants: Report, currency: str, language: Language) -> list[Table]:
    """Return each variant's own figures, and below it what tells them apart."""
    word = WORDS[language]
    header = [
        word[n] for n in ("variant", "assigned", "touched", "converted", "rate", "revenue", "money_each")
    ]
    rows = [
        [
            row["arm"] or "-",
            *(number_in(f"{row[name]:,}", language) for name in ("assigned", "touched", "converted")),
            "-" if row["rate"] is None else share(row["rate"], language),
            money(row["revenue_fen"], currency, language),
            money(row["revenue_per_customer_fen"], currency, language),
        ]
        for row in variants["rows"]
    ]
    tables: list[Table] = [(word["variants"], header, rows)]
    if effects := variants.get("effects"):
        apart = [
            [
                f"{effect['arm']} − {variants['control']}",
                *_effect(effect, effect["metric"], currency, language),
            ]
            for effect in effects
        ]
        title = _said(language, word["variants"], word["difference"])
        tables.append((title, [word["variant"], *_effect_header("metric", language)], apart))
    return tables


def _breakdown(rows: Sequence[Report], language: Language) -> Table:
    word = WORDS[language]
    header = [word[name] for name in ("breakdown", "assigned", "difference", "interval", "method")]
    made = []
    for row in rows:
        show, difference = _shower(row["metric"], "", language), row["absolute"]
        told = [word["unknown"], "-"]
        if difference is not None:
            told = [
                show(difference["estimate"]),
                f"{show(difference['low'])} … {show(difference['high'])}",
            ]
        made.append(
            [
                _layer_value(row, language),
                number_in(f"{row['customers']:,}", language),
                *told,
                in_language(row["method"], language),
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
    interval = (
        "-"
        if relative["low"] is None
        else number_in(f"{relative['low']:+.1%} … {relative['high']:+.1%}", language)
    )
    return [number_in(f"{relative['estimate']:+.1%}", language), interval]


def _shower(metric: str, currency: str, language: Language) -> Any:
    """Return how an amount of ``metric`` is written: money, points of a share, whole counts, or a mean."""
    if metric.endswith("_fen"):
        return lambda value: money(value, currency, language)
    if metric == "conversion":
        return lambda value: number_in(f"{100 * value:+.2f}", language) + _POINTS[language]
    if metric in ("conversions", "orders"):
        return lambda value: number_in(f"{value:+,.0f}", language)
    return lambda value: number_in(f"{value:+.4f}", language)


def _html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"
