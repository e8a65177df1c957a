"""Canonical YAML: whatever a definition says, writing it and reading it again changes nothing."""

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from koipond.outreach.header_text import header_fault
from koipond.rules import default_catalog
from koipond.workspace.export import to_yaml
from koipond.workspace.kinds import kind_named
from koipond.workspace.model import Definition
from koipond.workspace.source import Source, parse_source

CATALOG = default_catalog("CNY")
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60)
subjects = words.filter(lambda text: header_fault(text) is None)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
names = st.from_regex(r"[a-z0-9_]{1,8}", fullmatch=True)


def slot(content: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return content | st.fixed_dictionaries(
        {"variants": st.dictionaries(names, content, min_size=2, max_size=3)}
    )


offers = st.just("none") | st.fixed_dictionaries({"code_list": keys, "cost_cap_fen": st.integers(0, 10**9)})
landings = st.just("https://shop.example/a") | st.just({"url": "/b"})
plays = st.fixed_dictionaries(
    {
        "key": keys,
        "audience": slot(keys),
        "offer": slot(offers),
        "script": slot(keys),
        "landing": slot(landings),
        "channels": st.lists(keys, min_size=1, max_size=3),
    },
    optional={"purpose": st.sampled_from(["marketing", "transactional"])},
)
caps = st.fixed_dictionaries(
    {"touches_max": st.integers(1, 99)},
    optional={"days": st.integers(1, 99), "window": st.sampled_from(["rolling_days", "calendar_week"])},
)
campaigns = st.fixed_dictionaries(
    {
        "key": keys,
        "kind": st.just("campaign"),
        "owner": words,
        "metric": st.fixed_dictionaries(
            {
                "primary": st.sampled_from(["conversion", "orders_per_customer"]),
                "window_days": st.integers(1, 90),
            }
        ),
        "budget": st.fixed_dictionaries(
            {"total_fen": st.integers(0, 10**12)}, optional={"per_day_fen": st.none() | st.integers(0, 99)}
        ),
        "holdout_rate": st.floats(0, 0.5) | st.just(0),
        "plays": st.lists(plays, min_size=1, max_size=3),
    },
    optional={
        "description": words,
        "name": words | st.fixed_dictionaries({"zh": words}, optional={"en": words, "id": words}),
        "caps": st.lists(caps, max_size=2),
        "review_on": st.dates(date(2000, 1, 1), date(2100, 1, 1)),
        "priority": st.integers(0, 100),
        "paused": st.booleans(),
        "breakdown": st.sampled_from(["lifecycle", "rfm_cell", "grade", "aipl"]),
    },
)
templates = st.fixed_dictionaries(
    {
        "key": keys,
        "texts": st.dictionaries(
            st.sampled_from(["zh", "en", "id"]),
            st.fixed_dictionaries({"text": words}, optional={"subject": subjects, "html": words}),
            min_size=1,
        ),
    },
    optional={"fallbacks": st.just({"trait.first_name": {"zh": "", "en": "there: #1"}})},
)


def round_trip(kind: str, body: dict[str, Any]) -> None:
    parse = kind_named(kind).parse
    first, findings = parse(Source(file="a.yaml", body=body, lines={}), CATALOG)
    assert isinstance(first, Definition), findings
    text = to_yaml(kind, first.body)
    source, problems = parse_source(text, "a.yaml")
    assert source is not None, problems
    again, findings = parse(source, CATALOG)
    assert isinstance(again, Definition), findings
    assert (again.body, again.fingerprint, again.value) == (first.body, first.fingerprint, first.value)
    assert to_yaml(kind, again.body) == text


@settings(max_examples=60, deadline=None)
@given(campaigns)
def test_strategy_survives_export_and_load(body: dict[str, Any]) -> None:
    round_trip("strategy", body)


@settings(max_examples=60, deadline=None)
@given(templates)
def test_template_survives_export_and_load(body: dict[str, Any]) -> None:
    round_trip("template", body)
