"""The last look is at the intent: what changed since the gate, or since the claim, stops a touch."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.integration.store import outreach_scene as scene
from tests.integration.store.outreach_scene import EVENING, MORNING, NOON, PLACE, SHEET

from koipond.facts.people import PersonKeys
from koipond.outreach.model import BudgetLine, QuietHours
from koipond.outreach.ports import SendResult
from koipond.store import ConsentStatement, PersonFlags, Store, Suppression

Forbid = Callable[[Store], None]


def refuse(store: Store) -> None:
    said = ConsentStatement(
        customer_no=1, channel="email", purpose="marketing", granted=False, at=NOON, source="t"
    )
    store.consents.append([said], NOON)


def suppress(reason: str, channel: str = "*") -> Forbid:
    def act(store: Store) -> None:
        store.consents.suppress([Suppression(customer_no=1, reason=reason, at=NOON, channel=channel)])  # type: ignore[arg-type]

    return act


def confirm(store: Store, number: int, verdict: str = "confirmed") -> None:
    store.verdicts.decide("test_account", [number], verdict=verdict, by="anna", now=NOON)


FORBIDS: dict[str, tuple[Forbid, str]] = {
    "refused": (refuse, "no_consent"),
    "erased": (suppress("erased"), "suppressed"),
    "complaint": (suppress("complaint", "email"), "suppressed"),
    "staff": (lambda store: store.people.set_flags([PersonFlags(customer_no=1, staff=True)]), "staff"),
    "unreal": (
        lambda store: confirm(store, 1),
        "suppressed",
    ),
    "minor": (lambda store: store.people.set_flags([PersonFlags(customer_no=1, minor=True)]), "minor"),
}


@pytest.mark.parametrize("how", FORBIDS)
@pytest.mark.parametrize("when", ["waiting", "claimed"])
def test_who_may_not_be_reached_any_more_is_not_at_the_intent(store: Store, how: str, when: str) -> None:
    """A16, A18: also when the claim is older than what forbids it."""
    scene.admit(store, range(1, 4))
    box = store.outbox(PLACE)
    act, reason = FORBIDS[how]
    if when == "waiting":
        act(store)
    claim = box.claim(SHEET, 10, NOON)
    if when == "claimed":
        act(store)
    assert [one.customer_no for one in scene.begin(box, claim, NOON)] == [2, 3]
    assert scene.details(store) == {reason: 1}
    if how == "erased":  # suppressed as such alone: what else an erasure takes away is not this test's
        assert scene.broken(store).keys() <= {"erased"}
    else:
        assert scene.broken(store) == {}


def test_a_linked_customers_flag_counts_for_the_person(store: Store) -> None:
    """A18, its kind: the flag stands at another number of the same person."""
    scene.admit(store, range(1, 3))
    keys = [
        PersonKeys(source="s", shop_id="1", phone="13800000001", verified=True),
        PersonKeys(source="other", shop_id="x", phone="13800000001", verified=True),
    ]
    refs = store.identity.resolve(keys, NOON)
    store.people.set_flags([PersonFlags(customer_no=refs[1].customer_no, staff=True)])
    assert scene.send(store, NOON) == [2]


def test_who_is_unreal_under_a_linked_number_is_left_out_and_who_was_cleared_is_not(store: Store) -> None:
    """D6."""
    scene.admit(store, range(1, 4))
    keys = [
        PersonKeys(source="s", shop_id="1", phone="13800000001", verified=True),
        PersonKeys(source="other", shop_id="x", phone="13800000001", verified=True),
    ]
    confirm(store, store.identity.resolve(keys, NOON)[1].customer_no)
    confirm(store, 2)
    confirm(store, 2, "cleared")
    again = scene.admit(store, range(1, 3), occurrence="next")
    assert [(one.reason, one.detail) for one in again] == [("suppressed", "unreal"), (None, "")]
    assert set(scene.send(store, NOON)) == {2, 3}
    assert store.permissions.of(1).suppressions[0].reason == "unreal"
    assert store.permissions.of(2).suppressions == ()


def test_quiet_hours_that_began_after_the_claim_send_the_rest_back(store: Store) -> None:
    """A17: the claim is of 19:59, the intent of 20:00."""
    scene.admit(store, range(1, 4))
    box = store.outbox(PLACE, quiet=QuietHours())
    claim = box.claim(SHEET, 10, EVENING - timedelta(hours=1, seconds=20))
    assert len(claim.touches) == 3
    assert scene.begin(box, claim, EVENING - timedelta(hours=1)) == []
    assert scene.states(store) == {"queued": 3}
    assert box.next_due("email", EVENING) == MORNING
    box.close()
    assert scene.send(store, MORNING) == [1, 2, 3]
    assert scene.broken(store, MORNING) == {}


def test_it_is_quiet_where_the_customer_lives(store: Store) -> None:
    """A17, its kind: one of them has moved to a zone where it is night by now."""
    scene.admit(store, range(1, 4))
    box = store.outbox(PLACE, quiet=QuietHours())
    claim = box.claim(SHEET, 10, NOON)
    store.people.set_flags([PersonFlags(customer_no=2, zone="America/New_York")])  # 23:00 there
    assert [one.customer_no for one in scene.begin(box, claim, NOON)] == [1, 3]


def test_channel_hours_hold_at_the_intent_for_every_purpose(store: Store) -> None:
    scene.admit(store, range(1, 3), purpose="transactional")
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 10, NOON)
    shut = replace(SHEET, hours=QuietHours(start_hour=12, end_hour=13))
    assert scene.begin(box, claim, NOON, shut) == []
    assert box.next_due("email", NOON) == NOON + timedelta(hours=1)


def test_what_waits_beyond_its_life_expires_at_once(store: Store) -> None:
    scene.admit(store, range(1, 2), expires_at=MORNING - timedelta(hours=2))
    box = store.outbox(PLACE, quiet=QuietHours())
    claim = box.claim(SHEET, 10, EVENING - timedelta(hours=2))
    assert scene.begin(box, claim, EVENING) == []
    assert scene.states(store) == {"expired": 1}


def test_a_strategy_paused_by_definition_holds_and_goes_on_later(store: Store) -> None:
    """A19: 60 deferred at night; `paused: true` applied; nothing goes in the morning."""
    scene.apply(store)
    scene.admit(store, range(1, 4), now=EVENING)
    scene.apply(store, paused=True)
    assert scene.send(store, MORNING) == []
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 10, MORNING)
    assert (claim.touches, claim.examined) == ([], 0)
    assert claim.wake_at is not None
    assert claim.wake_at > MORNING + timedelta(hours=1)  # it does not spin
    scene.apply(store)
    assert scene.send(store, MORNING) == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"archived": True}, "not_running"),
        ({"ends_on": "2026-03-02"}, "not_running"),
        ({"budget": {"total_fen": 0}}, "budget:strategy:recall"),
        ({"budget": {"total_fen": 9_000, "per_day_fen": 0}}, "budget:per_day"),
        ({"budget": {"total_fen": 9_000, "per_customer_fen": 0}}, "budget:per_customer"),
        ({"budget": {"total_fen": 9_000, "per_customer_fen": 9}}, "budget:per_customer"),
        ({"budget": {"total_fen": 9}}, "budget:strategy:recall"),
    ],
)
@pytest.mark.parametrize("cost_fen", [0, 10])
def test_what_was_applied_over_night_ends_what_waits(
    store: Store, change: dict[str, object], reason: str, cost_fen: int
) -> None:
    """A19: the archive, an earlier end, and a budget that was set to nothing, also for what costs nothing."""
    scene.apply(store)
    lines = (BudgetLine(scope="strategy:recall", limit_fen=10_000),)
    scene.admit(store, range(1, 4), now=EVENING, cost_fen=cost_fen, budgets=lines)
    scene.apply(store, **change)
    small = isinstance(change.get("budget"), dict) and 9 in change["budget"].values()  # type: ignore[union-attr, attr-defined]
    if small and cost_fen == 0:
        assert scene.send(store, MORNING) == [1, 2, 3]
        return
    assert scene.send(store, MORNING) == []
    assert scene.details(store) == {reason: 3}
    assert scene.taken(store) == {}
    assert scene.broken(store, MORNING) == {}


def test_a_smaller_budget_lets_as_many_go_as_it_covers(store: Store) -> None:
    """A19, its kind: what was already sent counts."""
    scene.apply(store)
    lines = (BudgetLine(scope="strategy:recall", limit_fen=10_000),)
    scene.admit(store, range(1, 7), budgets=lines)
    assert len(scene.send(store, NOON, limit=2)) == 2
    scene.apply(store, budget={"total_fen": 40})
    assert len(scene.send(store, NOON)) == 2
    assert scene.details(store) == {"budget:strategy:recall": 2}
    assert scene.taken(store) == {"strategy:recall": 40}


def test_a_later_start_moves_what_waits(store: Store) -> None:
    scene.apply(store)
    scene.admit(store, range(1, 3))
    scene.apply(store, starts_on="2026-03-03")
    assert scene.send(store, NOON) == []
    assert store.outbox(PLACE).next_due("email", NOON) == MORNING
    assert scene.send(store, MORNING) == [1, 2]


def test_the_quota_is_that_of_the_day_on_which_it_goes(store: Store) -> None:
    """A20: quota 4; four wait from yesterday, four of today: four go, the others tomorrow."""
    quotas = {"email": 4}
    scene.admit(store, range(1, 5), quotas=quotas, due_at=NOON, expires_at=NOON + timedelta(days=4))
    today = NOON + timedelta(days=1)
    of = {"occurrence": "2026-03-03", "due_at": today, "expires_at": today + timedelta(days=4)}
    scene.admit(store, range(5, 9), now=today, quotas=quotas, **of)
    assert len(scene.send(store, today, quotas=quotas)) == 4
    assert scene.send(store, today, quotas=quotas) == []
    assert scene.taken(store)["quota:email:2026-03-03"] == 4
    assert scene.broken(store, today) == {}
    tomorrow = today + timedelta(days=1)
    assert len(scene.send(store, tomorrow, quotas=quotas)) == 4
    assert scene.broken(store, tomorrow) == {}


def test_a_quota_lowered_below_what_waits_is_used_up_all_the_same(store: Store) -> None:
    """D13: those that are put off keep no share of today, so that the new quota is sent, and no more."""
    scene.admit(store, range(1, 11), quotas={"email": 10}, expires_at=NOON + timedelta(days=4))
    low = {"email": 3}
    assert len(scene.send(store, NOON, limit=6, quotas=low)) == 0  # the first to be asked are put off
    assert len(scene.send(store, NOON, quotas=low)) == 3
    assert scene.send(store, NOON, quotas=low) == []
    assert scene.taken(store) == {"quota:email:2026-03-02": 3}
    assert scene.broken(store) == {}
    sent = [len(scene.send(store, NOON + timedelta(days=days), quotas=low)) for days in (1, 2, 3)]
    assert sent == [3, 3, 1]
    assert scene.broken(store, NOON + timedelta(days=3)) == {}


def test_a_days_budget_lowered_below_what_waits_is_used_up_all_the_same(store: Store) -> None:
    """D13, its kind: money of a day; the total stays held by what waits."""
    budget = {"total_fen": 10_000, "per_day_fen": 100}
    scene.apply(store, budget=budget)
    lines = (
        BudgetLine(scope="strategy:recall", limit_fen=10_000),
        BudgetLine(scope="strategy:recall:2026-03-02", limit_fen=100),
    )
    scene.admit(store, range(1, 11), budgets=lines, expires_at=NOON + timedelta(days=4))
    scene.apply(store, budget={**budget, "per_day_fen": 30})
    assert len(scene.send(store, NOON)) == 3
    assert scene.taken(store) == {"strategy:recall": 100, "strategy:recall:2026-03-02": 30}
    tomorrow = NOON + timedelta(days=1)
    assert len(scene.send(store, tomorrow)) == 3
    assert scene.taken(store)["strategy:recall:2026-03-03"] == 30
    assert scene.broken(store, tomorrow) == {}


def test_the_budget_of_a_day_is_that_of_the_day_on_which_it_goes(store: Store) -> None:
    """A20, its kind: money of a day."""
    budget = {"total_fen": 10_000, "per_day_fen": 20}
    scene.apply(store, budget=budget)
    lines = (
        BudgetLine(scope="strategy:recall", limit_fen=10_000),
        BudgetLine(scope="strategy:recall:2026-03-02", limit_fen=20),
    )
    more = {"expires_at": NOON + timedelta(days=4)}
    scene.admit(store, range(1, 3), budgets=lines, **more)
    today = NOON + timedelta(days=1)
    lines = (lines[0], replace(lines[1], scope="strategy:recall:2026-03-03"))
    scene.admit(store, range(3, 5), now=today, budgets=lines, occurrence="2", due_at=today, **more)
    assert len(scene.send(store, today)) == 2
    assert scene.send(store, today) == []
    assert scene.taken(store)["strategy:recall:2026-03-03"] == 20
    assert len(scene.send(store, today + timedelta(days=1))) == 2
    assert scene.broken(store, today + timedelta(days=1)) == {}


def test_at_night_the_gate_takes_the_budget_of_the_next_day(store: Store) -> None:
    lines = (BudgetLine(scope="strategy:recall:2026-03-02", limit_fen=20),)
    scene.admit(store, range(1, 3), now=EVENING, budgets=lines, due_at=EVENING)
    assert scene.taken(store) == {"strategy:recall:2026-03-03": 20}


def test_no_code_is_told_that_is_dead_when_it_is_told(store: Store) -> None:
    """A21: codes good until today; asked at 21:00, due at 09:00."""
    midnight = EVENING + timedelta(hours=3)
    store.codes.add("ten", ["A1", "A2"], midnight)
    decisions = scene.admit(store, range(1, 3), now=EVENING, code_list="ten", due_at=EVENING)
    assert {(str(d.reason), d.detail) for d in decisions} == {("budget", "code_list:ten")}
    store.codes.add("ten", ["B1"], midnight + timedelta(days=5))
    decisions = scene.admit(store, range(1, 3), now=EVENING, code_list="ten", due_at=EVENING)
    assert [d.touch_key is not None for d in decisions] == [True, False]


@pytest.mark.parametrize("how", ["its own end", "the offer's last day", "days since its issue"])
def test_a_code_that_died_while_its_touch_waited_is_not_told(store: Store, how: str) -> None:
    """A21, its kind: it was good when it was due."""
    ends = NOON + timedelta(hours=12) if how == "its own end" else None
    store.codes.add("ten", ["A1", "A2"], ends)
    scene.admit(store, range(1, 3), code_list="ten", expires_at=NOON + timedelta(days=5))
    if how == "the offer's last day":
        scene.apply(store, "offer", "ten", expires_on="2026-03-02")
    if how == "days since its issue":
        scene.apply(store, "offer", "ten", valid_days=1)
    late = NOON + timedelta(days=2)
    assert scene.send(store, late) == []
    assert scene.details(store) == {"budget:code_list:ten": 2}
    assert store.codes.stock(NOON)[0].issued == 0


def test_a_claim_says_when_a_code_really_ends(store: Store) -> None:
    """A21: so that the text names no later day."""
    store.codes.add("ten", ["A1"], NOON + timedelta(days=9))
    scene.apply(store, "offer", "ten", valid_days=1)
    scene.admit(store, range(1, 2), code_list="ten")
    (touch,) = store.outbox(PLACE).claim(SHEET, 1, NOON).touches
    end = date(2026, 3, 4)  # good on the day of its issue and on the next
    assert touch.code_expires_s is not None
    assert touch.code_expires_s == int((NOON + timedelta(days=1, hours=12)).timestamp())
    assert end.isoformat() == "2026-03-04"


def test_a_sender_stopped_for_long_sends_nothing(store: Store) -> None:
    """A zombie: its lease has ended; another has taken over and sent."""
    scene.admit(store, range(1, 3))
    zombie = store.outbox(PLACE)
    claim = zombie.claim(SHEET, 10, NOON)
    later = NOON + timedelta(minutes=5)
    assert scene.send(store, later) == [1, 2]
    assert scene.begin(zombie, claim, later) == []
    assert zombie.claim(SHEET, 10, later).examined == 1  # it finds out that its lease has ended
    assert zombie.claim(SHEET, 10, later).examined == 0  # and goes on under another
    assert scene.states(store) == {"accepted": 2}


def test_what_was_withheld_goes_back_and_costs_no_attempt(store: Store) -> None:
    scene.admit(store, range(1, 2))
    box = store.outbox(PLACE)
    for _ in range(5):  # more than there are attempts
        claim = box.claim(SHEET, 10, NOON)
        (one,) = scene.begin(box, claim, NOON)
        box.advance(SHEET, claim, done=[(one, SendResult(key=one.touch_key, outcome="withheld"))], now=NOON)
    assert scene.states(store) == {"queued": 1}
    assert scene.send(store, NOON) == [1]


def test_the_dead_senders_touches_are_free_at_once_on_its_own_host(store: Store) -> None:
    """A44: whatever its clock said; a process that is gone is known to be gone."""
    from koipond.facts.ports import Holder
    from koipond.store.senders import Sender

    ahead = NOON + timedelta(days=1)
    dead = Holder(host="here", pid=1, started="1", purpose="send")
    scene.admit(store, range(1, 3), expires_at=NOON + timedelta(days=5))
    lease = store.leases.open("sender", dead, ahead)
    store.outbox(PLACE, sender=Sender(hold=lambda _: lease, drop=store.leases.close)).claim(SHEET, 10, ahead)
    assert scene.states(store) == {"leased": 2}
    mine = Sender(
        hold=lambda now: store.leases.open("sender", replace(dead, pid=2), now),
        drop=store.leases.close,
        is_alive=lambda holder: holder.pid == 2,
    )
    assert len(store.outbox(PLACE, sender=mine).claim(SHEET, 10, NOON).touches) == 2


def test_a_sender_ahead_of_time_elsewhere_holds_its_touches_for_a_heartbeat(store: Store) -> None:
    """A44: nobody can see its process; its beats stand still."""
    ahead = NOON + timedelta(days=1)
    scene.admit(store, range(1, 3), expires_at=NOON + timedelta(days=5))
    store.outbox(PLACE).claim(SHEET, 10, ahead)
    box = store.outbox(PLACE)
    first = box.claim(SHEET, 10, NOON)
    assert first.touches == []
    assert first.wake_at is not None
    assert first.wake_at <= NOON + timedelta(minutes=1)
    assert [one.touches for one in box.under_way()] == [2]
    assert len(box.claim(SHEET, 10, NOON + timedelta(seconds=30)).touches) == 0
    assert len(box.claim(SHEET, 10, NOON + timedelta(seconds=61)).touches) == 2
