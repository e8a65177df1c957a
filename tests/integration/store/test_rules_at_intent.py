"""What was applied since the gate holds for what waits, whatever the sender was started with."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.store import outreach_scene as scene
from tests.integration.store.outreach_scene import EVENING, MORNING, NOON, PLACE, SHEET

from koipond.outreach.model import BudgetLine, QuietHours
from koipond.store import ConsentStatement, Store
from koipond.store import migrate as migrations

NEVER = {"start_hour": 0, "end_hour": 0}
MIDDAY = {"start_hour": 11, "end_hour": 14}


def settle(store: Store, quiet: dict[str, int], quota: int | None = None, **policy: Any) -> None:
    """Apply settings of the workspace."""
    channels = {} if quota is None else {"email": {"quota_per_day": quota}}
    defaults = {"contact_policy": {"quiet": quiet, **policy}}
    scene.apply(store, "workspace", "brand", defaults=defaults, channels=channels)


@pytest.mark.parametrize("when", ["waiting", "claimed"])
def test_quiet_hours_applied_meanwhile_hold_for_a_sender_that_runs(store: Store, when: str) -> None:
    settle(store, NEVER)
    scene.admit(store, range(1, 4))
    box = store.outbox(PLACE, quiet=scene.NEVER_QUIET)
    if when == "waiting":
        settle(store, MIDDAY)
    claim = box.claim(SHEET, 10, NOON)
    settle(store, MIDDAY)
    assert scene.begin(box, claim, NOON) == []
    assert box.next_due("email", NOON) == NOON + timedelta(hours=2)
    assert scene.broken(store) == {}


def test_hours_that_were_opened_open_for_a_sender_that_runs(store: Store) -> None:
    settle(store, {"start_hour": 20, "end_hour": 9})
    scene.admit(store, range(1, 4))
    box = store.outbox(PLACE, quiet=QuietHours())
    settle(store, NEVER)
    assert len(scene.begin(box, box.claim(SHEET, 10, EVENING), EVENING)) == 3
    assert scene.broken(store, EVENING) == {}


def approved(store: Store) -> str:
    """Make and approve a plan under what is applied now; return its key."""
    made = store.plans.make(
        as_of=NOON.date(),
        strategies={"recall": 1},
        definition_version=store.definitions.version(),
        warehouse_version=0,
        now=NOON,
    )
    store.plans.finish(made.key, {"touches": 3})
    store.plans.approve(made.key, "anna", NOON)
    return made.key


@pytest.mark.parametrize("when", ["before the gate", "waiting"])
def test_hours_under_which_a_plan_was_approved_hold_for_it_when_others_are_applied(
    store: Store, when: str
) -> None:
    """The stricter of then and now: opened hours open for plans approved under them."""
    settle(store, MIDDAY)
    plan = approved(store)
    if when == "before the gate":
        settle(store, NEVER)
    scene.admit(store, range(1, 4), plan=plan, now=NOON)
    settle(store, NEVER)
    scene.admit(store, range(4, 7), plan="")
    assert scene.send(store, NOON, quiet=scene.NEVER_QUIET) == [4, 5, 6]
    two = NOON + timedelta(hours=2)
    assert scene.send(store, two, quiet=scene.NEVER_QUIET) == [1, 2, 3]
    assert scene.broken(store, two) == {}


def test_hours_of_then_and_now_that_leave_none_let_a_touch_expire(store: Store) -> None:
    settle(store, {"start_hour": 0, "end_hour": 12})
    plan = approved(store)
    settle(store, {"start_hour": 12, "end_hour": 0})
    scene.admit(store, range(1, 3), plan=plan)
    for hours in range(0, 100, 6):
        assert scene.send(store, NOON + timedelta(hours=hours), quiet=scene.NEVER_QUIET) == []


@pytest.mark.parametrize(("then", "now", "sent"), [(2, 100, 2), (100, 2, 2), (2, None, 2), (None, 2, 2)])
def test_the_smaller_quota_of_then_and_now_holds(
    store: Store, then: int | None, now: int | None, sent: int
) -> None:
    settle(store, NEVER, quota=then)
    plan = approved(store)
    settle(store, NEVER, quota=now)
    found = scene.admit(store, range(1, 5), plan=plan)
    assert sum(one.reason is None for one in found) == sent


@pytest.mark.parametrize(("then", "now", "sent"), [(20, 10_000, 2), (10_000, 20, 2)])
def test_the_smaller_budget_of_then_and_now_holds_at_the_intent(
    store: Store, then: int, now: int, sent: int
) -> None:
    settle(store, NEVER)
    scene.apply(store, budget={"total_fen": then})
    lines = (BudgetLine(scope="strategy:recall", limit_fen=10_000),)
    scene.admit(store, range(1, 5), budgets=lines)
    scene.apply(store, budget={"total_fen": now})
    assert len(scene.send(store, NOON, quiet=scene.NEVER_QUIET)) == sent


def test_a_quota_applied_meanwhile_holds_for_a_sender_that_runs(store: Store) -> None:
    settle(store, NEVER, quota=100)
    scene.admit(store, range(1, 4), quotas={"email": 100})
    settle(store, NEVER, quota=0)
    assert scene.send(store, NOON, quiet=scene.NEVER_QUIET, quotas={"email": 100}) == []


def test_the_gate_obeys_what_is_applied_not_what_its_process_was_started_with(store: Store) -> None:
    settle(store, NEVER, quota=2)
    found = scene.admit(store, range(1, 4), quotas={"email": 100})
    assert [one.reason for one in found] == [None, None, "platform_quota"]


@pytest.mark.parametrize("applied_at_intent", [True, False])
def test_verify_compares_with_the_hours_applied_at_the_intent(store: Store, applied_at_intent: bool) -> None:
    """Nobody obeyed them: a sender of an earlier release noted other hours, or none."""
    settle(store, NEVER)
    scene.admit(store, range(1, 4))
    if applied_at_intent:
        scene.send(store, NOON, quiet=scene.NEVER_QUIET)
    settle(store, MIDDAY)
    if not applied_at_intent:
        scene.send(store, MORNING, quiet=scene.NEVER_QUIET)
        with store.database.write() as connection:
            connection.execute(sa.text(f"UPDATE outbox SET sent_s = {int(NOON.timestamp())}"))
    assert ("quiet_hours" in scene.broken(store)) is not applied_at_intent


GONE: dict[str, list[dict[str, Any]]] = {
    "removed": [{"key": "other", "channels": ["email"]}],
    "on another channel": [{"key": "gentle", "channels": ["sandbox"]}],
}


@pytest.mark.parametrize("how", GONE)
@pytest.mark.parametrize("when", ["waiting", "claimed", "before the gate"])
def test_a_play_that_is_gone_touches_nobody(store: Store, how: str, when: str) -> None:
    scene.apply(store)
    if when == "before the gate":
        scene.apply(store, plays=GONE[how])
        found = scene.admit(store, range(1, 3))
        assert {one.reason for one in found} == {"not_running"}
        assert all("any more" in one.detail for one in found)
        return
    scene.admit(store, range(1, 3))
    box = store.outbox(PLACE)
    if when == "waiting":
        scene.apply(store, plays=GONE[how])
    claim = box.claim(SHEET, 10, NOON)
    scene.apply(store, plays=GONE[how])
    assert scene.begin(box, claim, NOON) == []
    assert scene.details(store) == {"not_running": 2}
    assert scene.taken(store) == {}
    assert scene.broken(store) == {}


def test_a_play_that_is_kept_beside_others_goes_on(store: Store) -> None:
    scene.apply(store)
    scene.admit(store, range(1, 3))
    scene.apply(store, plays=[{"key": "gentle", "channels": ["sandbox", "email"]}, *GONE["removed"]])
    assert scene.send(store, NOON) == [1, 2]
    assert scene.broken(store) == {}


PAUSED = (
    '{"budget": {"total_fen": 10000}, "paused": true, "plays": [{"channels": ["email"], "key": "gentle"}]}'
)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE touch SET play = 'former'",
        "UPDATE touch SET channel = 'pigeon'",
        "UPDATE definition SET archived_no = 1",
        f"UPDATE definition SET body = '{PAUSED}'",
    ],
)
def test_verify_sees_what_did_not_run_any_more(store: Store, sql: str) -> None:
    scene.apply(store)
    scene.admit(store, range(1, 3))
    scene.send(store, NOON)
    assert scene.broken(store) == {}
    with store.database.write() as connection:
        connection.exec_driver_sql(sql)
    assert "running" in scene.broken(store)


def test_what_was_sent_before_a_play_was_removed_is_no_breach(store: Store) -> None:
    scene.apply(store)
    scene.admit(store, range(1, 3))
    scene.send(store, NOON)
    scene.apply(store, plays=GONE["removed"])
    scene.apply(store, archived=True)
    assert scene.broken(store) == {}


PAPER = {"email": {"segment": "old", "basis": "paper forms since 2019", "author": "lin"}}
OTHER = {"email": {**PAPER["email"], "segment": "new"}}
NOT_ANY_MORE: dict[str, dict[str, Any]] = {"removed": {}, "for another segment": OTHER}


def say_yes(store: Store, number: int) -> None:
    said = ConsentStatement(
        customer_no=number, channel="email", purpose="marketing", granted=True, at=NOON, source="t"
    )
    store.consents.append([said], NOON)


@pytest.mark.parametrize("how", NOT_ANY_MORE)
@pytest.mark.parametrize("when", ["waiting", "claimed", "before the gate"])
def test_consent_is_assumed_only_while_that_is_applied(store: Store, how: str, when: str) -> None:
    """D2: the touch of whoever said yes since goes all the same."""
    settle(store, NEVER, assumed_consent=PAPER)
    scene.people(store)
    say_yes(store, 3)
    if when == "before the gate":
        settle(store, NEVER, assumed_consent=NOT_ANY_MORE[how])
    found = scene.admit(store, range(1, 4), consent_assumed="old")
    if when == "before the gate":
        assert [one.reason for one in found] == ["no_consent", "no_consent", None]
        return
    box = store.outbox(PLACE, quiet=scene.NEVER_QUIET)
    if when == "waiting":
        settle(store, NEVER, assumed_consent=NOT_ANY_MORE[how])
    claim = box.claim(SHEET, 10, NOON)
    settle(store, NEVER, assumed_consent=NOT_ANY_MORE[how])
    assert [one.customer_no for one in scene.begin(box, claim, NOON)] == [3]
    assert scene.details(store) == {"no_consent": 2}
    assert scene.broken(store) == {}


@pytest.mark.parametrize("how", NOT_ANY_MORE)
def test_verify_sees_a_consent_that_was_assumed_no_more(store: Store, how: str) -> None:
    settle(store, NEVER, assumed_consent=PAPER)
    scene.admit(store, range(1, 4), consent_assumed="old")
    assert scene.send(store, NOON) == [1, 2, 3]
    settle(store, NEVER, assumed_consent=NOT_ANY_MORE[how])
    assert scene.broken(store) == {}
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET apply_no = apply_no + 1 WHERE touch_no < 3")
    assert "without consent" in scene.broken(store)["consent_at_intent"]


@pytest.mark.parametrize("removed", [True, False])
def test_what_waited_when_the_store_was_upgraded_rests_on_what_was_assumed(
    store: Store, removed: bool
) -> None:
    settle(store, NEVER, assumed_consent=PAPER)
    scene.admit(store, range(1, 3), consent_assumed="old")
    if removed:
        settle(store, NEVER)
    with store.database.write() as connection:
        migrations.downgrade(connection, "0006")
        migrations.upgrade(connection, "head")
    assert scene.send(store, NOON) == ([] if removed else [1, 2])
