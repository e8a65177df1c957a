"""Contradictions between layers: one scan of the warehouse counts what the in-memory reading finds."""

from collections import Counter
from itertools import product
from pathlib import Path

import pyarrow as pa

from koipond.rules import default_catalog, words
from koipond.rules.labels import LANGS
from koipond.segments.contradictions import CONTRADICTIONS, contradictions_of, count_contradictions
from koipond.segments.scope import Scope
from koipond.testing.facts import warehouse_of

CATALOG = default_catalog("CNY")
VALUES = {
    "lifecycle": ("prospect", "intro", "growth", "mature", "dormant", "churned"),
    "aipl": (None, "aware", "interest", "purchase", "loyal"),
    "rfm_cell": (None, "important_value", "outside"),
    "rfm_level": (None, "high", "low"),
    "grade": (None, "core", "fringe"),
}
PEOPLE = [dict(zip(VALUES, values, strict=True)) for values in product(*VALUES.values())]


def test_the_scan_and_the_reading_in_memory_agree_on_every_combination(tmp_path: Path) -> None:
    schema = pa.schema(
        [("customer_no", pa.int32()), ("customer_uid", pa.string()), ("profiling_refused", pa.bool_())]
        + [(name, pa.string()) for name in VALUES]
    )
    rows = [{"customer_no": no, "customer_uid": f"u{no}", **layers} for no, layers in enumerate(PEOPLE)]
    warehouse = warehouse_of(tmp_path)
    with warehouse.write("profile") as writer:
        writer.replace("profile", writer.stage("_profile", pa.Table.from_pylist(rows, schema)))
        writer.publish()
    with warehouse.read() as reader:
        counted = count_contradictions(Scope(reader=reader, as_of_day=17_000, catalog=CATALOG))
    found = Counter(name for layers in PEOPLE for name in contradictions_of(layers, CATALOG))
    assert counted == {name: found[name] for name in CONTRADICTIONS}
    assert all(counted.values()), "every contradiction can happen, so every one can be tested"


def test_a_loyal_customer_past_three_cycles_is_flagged_and_said_in_three_languages() -> None:
    layers = {"lifecycle": "dormant", "aipl": "loyal", "rfm_level": "mid", "grade": "key"}
    [(name, rule)] = contradictions_of(layers, CATALOG).items()
    assert name == "loyal_but_leaving"
    assert [words(rule, language, CATALOG) for language in LANGS] == [
        "AIPL 阶段为忠诚，且生命周期为休眠期或流失期",
        "AIPL stage is loyal and lifecycle stage is dormant or churned",
        "tahap AIPL adalah setia dan tahap siklus hidup adalah tertidur atau hilang",
    ]


def test_layers_that_agree_are_not_flagged() -> None:
    layers = {"lifecycle": "mature", "aipl": "loyal", "rfm_level": "high", "grade": "core"}
    assert contradictions_of(layers, CATALOG) == {}
