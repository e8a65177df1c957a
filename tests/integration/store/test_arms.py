from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from koipond.facts.people import PersonKeys
from koipond.kernel import zone
from koipond.store import Store
from koipond.store.export import ExportCursor

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)


def rows(*found: tuple[int, str]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "scope": "recall",
                "customer_no": no,
                "arm": arm,
                "play": "p",
                "variant": "",
                "strategy_version": 1,
                "plan": "p1",
            }
            for no, arm in found
        ]
    )


def people(store: Store, count: int) -> list[int]:
    keys = [PersonKeys(source="s", shop_id=f"c{i}") for i in range(count)]
    return [ref.customer_no for ref in store.identity.resolve(keys, NOW)]


def test_a_recorded_arm_is_told_once_and_never_changed(store: Store) -> None:
    one, two = people(store, 2)
    settings: dict[str, Any] = {"salt": "s", "occurrence": "2026-03-01", "now": NOW}
    assert store.arms.record(rows((one, "holdout"), (two, "touch")), **settings) == 2
    assert store.arms.record(rows((one, "touch"), (two, "touch")), **settings) == 0
    told = store.export(zone("Asia/Shanghai")).since(ExportCursor()).assignments.to_pylist()
    assert {(row["customer_no"], row["arm"], row["drawn_day"]) for row in told} == {
        (one, "holdout", 20513),
        (two, "touch", 20513),
    }
