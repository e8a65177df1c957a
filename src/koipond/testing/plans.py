"""Build small brands for plans, row by row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from koipond.budgets import Budget
from koipond.kernel import FixedClock
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.templates import Template
from koipond.strategy.model import CodeList, Landing, Metric, Offer, Play, Slot, Strategy
from koipond.strategy.plan import Audience, Plan, PlanRequest, make_plan
from koipond.testing.facts import fact_table
from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import EngineOptions, ParquetWarehouse

AS_OF = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # noon in Shanghai
NOW_S = int(NOW.timestamp())
DAY_S = 86_400
SANDBOX = ChannelSheet(channel="sandbox", consent="none")
EMAIL = ChannelSheet(channel="email", address_kind="email", cost_fen=1)
SMS = ChannelSheet(channel="sms", address_kind="phone", cost_fen=5)
PROFILE = pa.schema(
    {
        "customer_no": pa.int32(),
        "last_purchase_day": pa.int32(),
        "value_365d_fen": pa.int64(),
        "orders_365d": pa.int64(),
        "money_365d_fen": pa.int64(),
        "lifecycle": pa.string(),
        "at_risk": pa.bool_(),
        "grade": pa.string(),
        "profiling_refused": pa.bool_(),
    }
)


def uid(number: int) -> str:
    return f"{number:032x}"


@dataclass
class Brand:
    """What the brand's warehouse holds, row by row; ``segments``: key → customers, None = never computed."""

    facts: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    profile: list[Mapping[str, Any]] = field(default_factory=list)
    segments: dict[str, list[int] | None] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)

    def people(self, *numbers: int, **traits: Any) -> "Brand":
        rows = [{"customer_no": n, "customer_uid": uid(n), **traits} for n in numbers]
        return self.add("customers", *rows)

    def add(self, dataset: str, *rows: Mapping[str, Any]) -> "Brand":
        self.facts.setdefault(dataset, []).extend(rows)
        return self

    def touch(self, number: int, days_ago: float, **columns: Any) -> "Brand":
        at_s = NOW_S - int(days_ago * DAY_S)
        row = {
            "purpose": "marketing",
            "channel": "sandbox",
            "strategy": "other",
            "content": "x",
            "cost_fen": 0,
        }
        return self.add(
            "touches", {"customer_no": number, "at_s": at_s, "day": at_s // DAY_S, **row, **columns}
        )

    @contextmanager
    def reader(self, folder: Path) -> Iterator[Any]:
        warehouse = ParquetWarehouse(folder, MemoryVersionLog(), FixedClock(NOW), EngineOptions(threads=1))
        with warehouse.write("build") as writer:
            for dataset, rows in self.facts.items():
                writer.append(dataset, writer.stage(f"_{dataset}", fact_table(dataset, rows)))
            if self.profile:
                table = pa.Table.from_pylist([dict(row) for row in self.profile], schema=PROFILE)
                writer.append("profile", writer.stage("_profile", table))
            writer.publish()
        with warehouse.read() as reader:
            yield reader


class Segments:
    """An `AudienceReader` over lists of customers."""

    def __init__(self, reader: Any, brand: Brand) -> None:
        self.reader, self.brand = reader, brand

    def audience(self, segment: str) -> Audience:
        numbers = self.brand.segments.get(segment)
        if numbers is None:
            return Audience(members=None, stale="never_refreshed: run: koipond refresh")
        table = pa.table({"customer_no": pa.array(numbers, pa.int32())})
        members = self.reader.stage(f"_seg_{segment}", table)
        return Audience(members=members, stale=self.brand.stale.get(segment, ""))


def play(key: str = "main", **slots: Any) -> Play:
    given: dict[str, Any] = {
        "audience": "everybody",
        "offer": Offer(),
        "script": "hello",
        "landing": Landing(url="/x"),
        **slots,
    }
    made = {
        name: given[name] if isinstance(given[name], Slot) else Slot(variants={"": given[name]})
        for name in ("audience", "offer", "script", "landing")
    }
    channels = tuple(given.get("channels", ("sandbox",)))
    return Play(key=key, channels=channels, purpose=given.get("purpose", "marketing"), **made)


def strategy(key: str = "recall", *plays: Play, **fields: Any) -> Strategy:
    given: dict[str, Any] = {
        "owner": "crm",
        "metric": Metric(primary="conversion", window_days=30),
        "budget": Budget(total_fen=10**9),
        "holdout_rate": 0.0,
        "re_entry_days": 0,
        **fields,
    }
    return Strategy(key=key, plays=plays or (play(),), **given)


def request_of(*strategies: Strategy, **fields: Any) -> PlanRequest:
    given: dict[str, Any] = {
        "plan": "p1",
        "as_of": AS_OF,
        "now": NOW,
        "zone": "Asia/Shanghai",
        "salt": "brand",
        "templates": {"hello": Template(key="hello", texts={"zh": {"text": "hi"}, "en": {"text": "hi"}})},
        "offers": {"ten": CodeList(key="ten", cost_fen=1_000, value_fen=1_000, valid_days=14)},
        "channels": {sheet.channel: sheet for sheet in (SANDBOX, EMAIL, SMS)},
        "global_holdout_rate": 0.0,
        **fields,
    }
    return PlanRequest(strategies=strategies or (strategy(),), **given)


@dataclass(frozen=True)
class Planned:
    """A plan and its candidates as plain rows, by (customer, play)."""

    plan: Plan
    rows: list[dict[str, Any]]

    def why(self) -> dict[int, str | None]:
        """Return reason (or ``reason:detail``) by customer; one play only."""
        return {
            row["customer_no"]: row["reason"] and ":".join(filter(None, (row["reason"], row["detail"])))
            for row in self.rows
        }


def plan_of(brand: Brand, folder: Path, request: PlanRequest) -> Planned:
    """Plan ``request`` over ``brand`` in a warehouse of its own below ``folder``."""
    brand.segments.setdefault("everybody", [row["customer_no"] for row in brand.facts["customers"]])
    with brand.reader(folder) as reader:
        plan = make_plan(reader, Segments(reader, brand), request)
        rows = reader.frame(plan.candidates).to_pylist()
    return Planned(plan, sorted(rows, key=lambda row: (row["customer_no"], row["strategy"], row["play"])))
