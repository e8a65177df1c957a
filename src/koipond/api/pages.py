"""The served pages: overview, report, inbox, unsubscribe. Plain HTML without scripts or outside links."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Literal

from koipond.api.health_words import HEALTH
from koipond.api.words import NAMES, PAGES
from koipond.bootstrap import App
from koipond.insights.freshness_words import facts_line
from koipond.insights.render import report_body, style
from koipond.insights.words import WORDS, Language
from koipond.kernel import in_language, local_time
from koipond.rules.titles import title
from koipond.store.pauses import Pause
from koipond.worker.health import Health
from koipond.worker.overview import overview
from koipond.worker.reporting import report_dict, strategy_report

PAGE_MESSAGES = 50
_TAGS = {"zh": "zh-CN", "en": "en", "id": "id"}
_STYLE = """
nav{display:flex;gap:1rem;flex-wrap:wrap;border-bottom:1px solid #dfe5ea;padding:0 0 .6rem;margin:0 0 1.4rem}
nav b{color:#2f7d5b}nav a,main a{color:#1f6a9a;text-decoration:none}nav .right{margin-left:auto}
article{border-top:1px solid #dfe5ea;padding:.7rem 0}article h2{margin:.2rem 0}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:0}
td.text,th.text{text-align:left}.bad{color:#a3341f;font-weight:600}
"""
STYLE = style() + _STYLE
"""The one style sheet of every page; its hash stands in their content security policy."""


def home_page(app: App, health: Health, language: Language) -> str:
    """Return the overview: health, strategies, segments, touches, invariants as last checked."""
    word, found = PAGES[language], overview(app)
    metrics, segments_by_key = WORDS[language], app.definitions.segments
    strategies = [
        [
            f"<a href='/reports/{escape(key)}?language={language}'>"
            f"{escape(one.name.get(language) or one.name.get('en') or key)}</a>",
            escape(one.owner),
            escape(metrics[one.metric.primary]),
        ]
        for key, one in sorted(app.definitions.strategies.items())
    ]
    segments = [
        [
            f"<span title='{escape(row['segment'])}'>"
            f"{escape(title(segments_by_key[row['segment']].names, row['segment'])[language])}</span>",
            "-" if row["count"] is None else f"{row['count']:,}",
            word["fresh"] if row["freshness"] == "fresh" else _bad(row["freshness"]),
        ]
        for row in found.segments
    ]
    touches = [[escape(_state(state, metrics)), f"{count:,}"] for state, count in found.touches.items()]
    checked = health.checks()
    checks = [
        [
            f"<span title='{escape(one.name)}'>{escape(one.says.in_language(language))}</span>",
            word["ok"] if one.status == "ok" else _bad(word["broken"]),
            escape(in_language(one.detail, language)),
        ]
        for one in checked.checks
    ]
    at = f"{local_time(checked.at, app.zone)} {app.zone.key}"
    body = (
        f"<h1>{escape(app.settings.name or app.settings.key)}</h1>"
        f"<p class=note>{word['as_of']} {found.as_of} · {word['version']} {found.definition_version}</p>"
        f"<p class=note>{escape(facts_line(found.newest_facts, language))}</p>"
        + health_table(app, health, language)
        + _table(
            word["reports"], [word[k] for k in ("strategy", "owner", "metric")], strategies, word["none"]
        )
        + _table(word["segments"], [word[k] for k in ("segment", "customers", "freshness")], segments, "-")
        + _paused(app, found.pauses, word)
        + _table(word["touches"], [word["state"], word["count"]], touches, word["no_touches"])
        + _table(f"{word['checks']} ({at})", [word["check"], word["status"], ""], checks, "-")
    )
    return _shell(app, word["home"], body, language, "/")


def health_table(app: App, health: Health, language: Language) -> str:
    """Return how each part of the server stands: since when, why, and what waits."""
    word, found = HEALTH[language], health.report()
    parts = found["parts"]
    named = [(word[name], part) for name, part in parts.items()]
    named += [(f"{word['sending']}: {key}", one) for key, one in parts["sending"].get("channels", {}).items()]
    rows = [
        [
            escape(name),
            _bad(word["stopped"]) if part["state"] == "stopped" else word[part["state"]],
            _local(app, part["since"]),
            escape(" · ".join(filter(None, (word.get(f"why_{part['reason']}"), _detail(part))))),
        ]
        for name, part in named
    ]
    return _table(word["health"], [word[k] for k in ("part", "state", "since", "why")], rows, "-")


def _detail(part: Mapping[str, Any]) -> str:
    """Return what a part says in the program's own words, and how many touches wait."""
    waits = part.get("waiting")
    count = sum(waits.values()) if isinstance(waits, dict) else waits
    return " · ".join([*([part["why"]] if part["why"] else []), *([f"{count:,}"] if count else [])])


def _local(app: App, instant: str | None) -> str:
    return "" if instant is None else local_time(datetime.fromisoformat(instant), app.zone)


def _paused(app: App, pauses: Sequence[Pause], word: Mapping[str, str]) -> str:
    """Return what is held back, since when, by whom and why; nothing when nothing is."""
    rows = [
        [_bad(one.scope), local_time(one.since, app.zone), escape(one.author), escape(one.reason)]
        for one in pauses
    ]
    header = [word[key] for key in ("scope", "since", "by", "why")]
    return _table(word["paused"], header, rows, "") if rows else ""


def report_page(app: App, key: str, language: Language) -> str:
    """Return the lift report of strategy ``key``; raise InputError when there is none."""
    with app.reading() as (reader, day):
        made = strategy_report(app, reader, key, day, language=language)
        body = report_body(report_dict(app, made, day), currency=app.settings.currency, language=language)
    return _shell(app, f"{key}: {WORDS[language]['title']}", body, language, f"/reports/{key}")


def inbox_page(app: App, language: Language, before: int | None) -> str:
    """Return what arrived in the sandbox, the newest first; ``before``: only numbers below it."""
    word, box = PAGES[language], app.sandbox()
    try:
        messages, touches = box.count()
        shown = box.messages(PAGE_MESSAGES, before=before)
    finally:
        box.close()
    articles = "".join(
        f"<article><p class=note>{local_time(one.accepted_at, app.zone)} {app.zone.key}"
        f" · {escape(one.key)} · {escape(one.language)}</p>"
        f"<h2>{escape(one.subject)}</h2><pre>{escape(one.text)}</pre></article>"
        for one in shown
    )
    links = [f"<a href='/inbox?language={language}'>{word['newer']}</a>"] if before else []
    if len(shown) == PAGE_MESSAGES:
        links.append(f"<a href='/inbox?language={language}&amp;before={shown[-1].seq}'>{word['older']}</a>")
    counted = word["messages"].format(messages=f"{messages:,}", touches=f"{touches:,}")
    body = (
        f"<h1>{word['inbox']}</h1><p class=note>{counted}</p>"
        f"{articles or '<p>' + word['empty'] + '</p>'}<p>{' · '.join(links)}</p>"
    )
    return _shell(app, word["inbox"], body, language, "/inbox")


OptOut = Literal["ask", "done", "unknown", "failed"]
_OPT_OUT: Mapping[OptOut, str] = {
    "done": "已退订。 You are unsubscribed. Anda sudah berhenti berlangganan.",
    "unknown": (
        "此退订链接无效。 This unsubscribe link is unknown. Tautan berhenti berlangganan ini tidak dikenal."
    ),
    "failed": (
        "退订未能记录，请稍后再试，或直接回复本消息。 Your opt-out was not recorded: please try again in a "
        "moment, or reply to the message. Permintaan berhenti belum tercatat: coba lagi sebentar lagi, atau "
        "balas pesannya."
    ),
}


def unsubscribe_page(touch_key: str, state: OptOut) -> str:
    """Return the page behind an unsubscribe link: a button (mail scanners follow links), then the answer."""
    if state == "ask":
        body = (
            f"<form method=post action='/unsubscribe/{escape(touch_key, quote=True)}'>"
            "<button>退订 · Unsubscribe · Berhenti berlangganan</button></form>"
        )
    else:
        body = f"<p>{_OPT_OUT[state]}</p>"
    return _page("Unsubscribe", f"<main>{body}</main>", "en")


def _shell(app: App, title: str, body: str, language: Language, path: str) -> str:
    word = PAGES[language]
    spoken = " · ".join(
        NAMES[one] if one == language else f"<a href='{path}?language={one}'>{NAMES[one]}</a>"
        for one in NAMES
    )
    nav = (
        f"<nav><b>{escape(app.settings.name or app.settings.key)}</b>"
        f"<a href='/?language={language}'>{word['home']}</a>"
        f"<a href='/inbox?language={language}'>{word['inbox']}</a><span class=right>{spoken}</span></nav>"
    )
    return _page(title, f"{nav}<main>{body}</main>", language)


def _page(title: str, body: str, language: Language) -> str:
    return (
        f"<!doctype html><html lang={_TAGS[language]}><head><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'><title>{escape(title)} · Koipond</title>"
        f"<style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> str:
    """Return a table of cells that are HTML already."""
    if not rows:
        return f"<h2>{title}</h2><p class=note>{escape(empty)}</p>"
    head = "".join(f"<th class=text>{name}</th>" for name in header)
    lines = "".join("<tr>" + "".join(f"<td class=text>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{title}</h2><table><tr>{head}</tr>{lines}</table>"


def _state(state: str, word: Mapping[str, str]) -> str:
    return word["unknown_state"] if state == "unknown" else word.get(state, state)


def _bad(text: str) -> str:
    return f"<span class=bad>{escape(text)}</span>"
