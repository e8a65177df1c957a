from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from koipond.rehearsal.brand import BrandParameters, SimulatedBrand
from koipond.rehearsal.facts import brand_time
from koipond.rehearsal.world import Planted, World

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
WINDOW = 14
EFFECT = 0.25


@dataclass
class Told:
    """An export that tells what the test puts into it."""

    draws: list[dict[str, Any]] = field(default_factory=list)
    touched: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, variants: Mapping[int, str], held: Sequence[int] = ()) -> None:
        """Draw and touch each customer of ``variants``; draw those of ``held`` for the hold-out."""
        arms = {**dict.fromkeys(variants, "touch"), **dict.fromkeys(held, "holdout")}
        self.draws = [{"scope": "recall", "customer_no": who, "arm": arm} for who, arm in arms.items()]
        self.touched = [
            {
                "touch_key": f"{who}",
                "customer_no": who,
                "variant": variant,
                "strategy": "recall",
                "state": "accepted",
                "channel": "sandbox",
            }
            for who, variant in variants.items()
        ]

    def since(self, cursor: object) -> Any:
        assignments, touches = pa.Table.from_pylist(self.draws), pa.Table.from_pylist(self.touched)
        return SimpleNamespace(assignments=assignments, touches=touches, cursor=cursor, done=True)


def world(told: Told, customers: int = 8_000) -> World:
    app = SimpleNamespace(zone=ZoneInfo("UTC"), store=SimpleNamespace(export=lambda zone: told))
    brand = SimulatedBrand(BrandParameters(customers=customers), start=brand_time(NOW), seed=4)
    brand.purchases_until(brand_time(NOW))
    planted = Planted(strategy="recall", effects={"a": EFFECT, "b": EFFECT}, window_days=WINDOW)
    return World(app=cast(Any, app), brand=brand, channels={}, planted=planted)


def won(made: World) -> set[int]:
    """Return who buys within the window because of a touch."""
    now = brand_time(NOW)
    alone = set(np.flatnonzero(made.brand.next < now + WINDOW).tolist())
    return set(made.brand.purchases_until(now + WINDOW)[1].tolist()) - alone


def frequent(made: World) -> list[int]:
    """Return the customers from the most to the least likely to buy within the window."""
    chance = made.brand.chance_to_buy(np.arange(made.brand.last.size), brand_time(NOW), WINDOW)
    return [int(who) for who in np.argsort(-chance)]


def test_what_a_touch_does_does_not_hang_on_who_else_is_in_the_arm() -> None:
    told = Told()
    made = world(told)
    ranked = frequent(made)
    half = len(ranked) // 2
    told.tell({**dict.fromkeys(ranked[:half], "a"), **dict.fromkeys(ranked[half:], "b")})
    made.meet_touches(NOW)
    idle = made.brand.next >= brand_time(NOW) + WINDOW
    gained = won(made)
    shares = [
        sum(who in gained for who in part) / idle[part].sum() for part in (ranked[:half], ranked[half:])
    ]
    assert shares[0] == pytest.approx(shares[1], abs=4 * np.sqrt(0.2 / idle[ranked[:half]].sum()))


def test_the_hold_out_counts_for_the_odds_and_is_left_alone() -> None:
    told = Told()
    made = world(told)
    held = [who for who in frequent(made) if who % 5 == 0]
    told.tell({who: "a" for who in range(8_000) if who % 5}, held)
    made.meet_touches(NOW)
    assert not won(made) & set(held)
    assert made.extra == pytest.approx(EFFECT * made.base)
    assert made.planted_buyers == pytest.approx(made.extra)


def test_buyers_that_a_batch_had_not_left_to_win_are_won_later() -> None:
    told = Told()
    made = world(told)
    ranked = frequent(made)
    sure, rest = ranked[:400], ranked[400:]
    made.brand.cycle[sure] = 1.0  # they buy within the window, whatever is done
    made.brand.lapsed[sure] = False
    made.brand.next[sure] = brand_time(NOW) + 1
    told.tell(dict.fromkeys(sure, "a"))
    made.meet_touches(NOW)
    assert made.curbed
    assert made.planted_buyers < 0.01 * made.extra
    told.tell(dict.fromkeys(rest, "a"))
    made.meet_touches(NOW)
    assert not made.curbed
    assert made.planted_buyers == pytest.approx(EFFECT * made.base)
    gained = len(won(made))
    assert gained == pytest.approx(made.extra, abs=4 * np.sqrt(made.extra))
