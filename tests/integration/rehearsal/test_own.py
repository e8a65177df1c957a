"""A workspace's own strategy on a brand fitted to its facts, and how well the fit finds what is known."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import pytest

from koipond.bootstrap import App, StoreDefinitions, open_app, start_workspace
from koipond.facts.people import PersonKeys
from koipond.kernel import FixedClock, InputError, epoch_day, zone
from koipond.rehearsal.brand import BrandParameters, SimulatedBrand
from koipond.rehearsal.facts import brand_time, customer_rows, order_rows
from koipond.rehearsal.fit import _orders, first_day, fit_brand
from koipond.rehearsal.own import own_horizon, own_scenario
from koipond.rehearsal.run import rehearse
from koipond.rehearsal.scenario import Horizon
from koipond.rehearsal.stage import morning
from koipond.settings import Settings
from koipond.worker.refreshing import refresh_workspace
from koipond.workspace import load_folder
from koipond.workspace.diff import apply_steps, diff
from koipond.workspace.playbooks import add_playbook

TODAY = date(2026, 5, 4)
KNOWN = BrandParameters(
    customers=1_500, history_days=500, cycle_days_median=24.0, cycle_spread=0.5, rhythm=3.0,
    lapse_rate=0.05, basket_fen_median=5_000, basket_spread=0.5,
)  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a year and a half of a known brand's orders and a shipped playbook applied."""
    folder = tmp_path_factory.mktemp("own") / "brand"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder.parent / "config"))
        start_workspace(
            folder, key="own", name="Own", zone="Europe/Berlin", currency="EUR", clock="system",
            language="en", store=None,
        ).store.close()  # fmt: skip
        add_playbook(folder, "dormant_recall")
        with opened(folder) as app:
            definitions = StoreDefinitions(app.store)
            found = diff(load_folder(folder), definitions.current())
            definitions.apply(apply_steps(found), "test", app.clock.now())
            sell(app)
            refresh_workspace(app, TODAY)
    return folder


def opened(folder: Path) -> App:
    clock = FixedClock(morning(TODAY, zone("Europe/Berlin")))
    return replace(open_app(folder, environment=Settings(threads=1)), machine=clock)


def sell(app: App) -> None:
    start = brand_time(morning(TODAY, app.zone))
    brand = SimulatedBrand(KNOWN, start=start, seed=5)
    people = [PersonKeys(source="shop", shop_id=f"s{i}") for i in range(KNOWN.customers)]
    refs = app.store.identity.resolve(people, app.clock.now())
    times, who, amounts = brand.purchases_until(start)
    numbers = np.array([ref.customer_no for ref in refs], dtype=np.int32)[who]
    with app.warehouse.write("test") as writer:
        for dataset, rows in (
            ("customers", customer_rows(refs, brand.joined, app.zone)),
            ("orders", order_rows(times, numbers, amounts, 0, app.zone)),
        ):
            writer.append(dataset, writer.stage(f"_{dataset}", rows))
        writer.publish()


@pytest.fixture
def app(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(workspace.parent / "config"))
    with opened(workspace) as one:
        yield one


def test_the_fitted_brand_is_like_the_one_that_made_the_facts(app: App) -> None:
    with app.reading(TODAY) as (reader, day):
        fitted = fit_brand(reader, epoch_day(day))
    assert fitted.customers == KNOWN.customers
    assert fitted.cycle_days_median == pytest.approx(KNOWN.cycle_days_median, rel=0.15)
    assert fitted.cycle_spread == pytest.approx(KNOWN.cycle_spread, abs=0.12)
    assert fitted.rhythm == pytest.approx(KNOWN.rhythm, rel=0.35)
    assert fitted.lapse_rate == pytest.approx(KNOWN.lapse_rate, abs=0.025)
    assert fitted.basket_fen_median == pytest.approx(KNOWN.basket_fen_median, rel=0.03)
    assert fitted.basket_spread == pytest.approx(KNOWN.basket_spread, rel=0.03)


def test_an_applied_strategy_is_rehearsed_without_a_trace_in_the_workspace(app: App) -> None:
    before = app.store.versions.current().version
    played = own_scenario(app, "dormant_recall", 0.30, TODAY)
    made = rehearse(played, 2, horizon=Horizon(customers=400, days=37, plan_every_days=7))
    assert played.effects == {"news": 0.30, "reminder": 0.30}
    assert made.report["rehearsed"] is True
    assert made.report["strategy"] == "dormant_recall"
    assert made.truth == pytest.approx(0.30)  # nothing of this playbook loses anybody on the way
    assert made.found.estimate is not None
    assert made.breaks == 0
    assert made.touches > 20
    assert app.store.versions.current().version == before
    assert app.store.plans.all() == []


def test_no_more_customers_are_made_up_than_the_workspace_has(app: App) -> None:
    played = own_scenario(app, "dormant_recall", 0.1, TODAY)
    assert own_horizon(played, Horizon()).customers == KNOWN.customers


@pytest.mark.parametrize(
    ("strategy", "effect", "said"),
    [("nothing", 0.1, "there is dormant_recall"), ("dormant_recall", 1.5, "fraction from 0 to 1")],
)
def test_what_cannot_be_rehearsed_is_refused(app: App, strategy: str, effect: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        own_scenario(app, strategy, effect, TODAY)


def test_one_order_with_a_mistyped_year_does_not_stretch_the_history(app: App) -> None:
    """A date ten years too early made people of the rehearsed brand buy three times as often."""
    day = epoch_day(TODAY)
    with app.reading() as (reader, _):
        orders = _orders(reader, day)
        plain, count = first_day(reader, orders, int(reader.scalar(orders.count()))), orders.count()
        early = orders.limit(1).mutate(day=ibis.literal(day - 3_650, "int32"))
        both = orders.union(early)
        assert first_day(reader, both, int(reader.scalar(count)) + 1) == pytest.approx(plain, abs=3)
