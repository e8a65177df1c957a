"""Something can be stopped: plans, channels, strategies, everything; and what nobody knows can be settled."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.integration.store import outreach_scene as scene
from tests.integration.store.outreach_scene import EVENING, MORNING, NOON, PLACE, SHEET

from koipond.kernel import BusyError, InputError, RefusedError
from koipond.outreach.model import BudgetLine
from koipond.outreach.ports import Response
from koipond.store import Store


def make_plan(store: Store, *, finish: bool = True) -> str:
    plan = store.plans.make(
        as_of=NOON.date(), strategies={"recall": 1}, definition_version=1, warehouse_version=1, now=NOON
    )
    if finish:
        store.plans.finish(plan.key, {"touches": 3})
    return plan.key


@pytest.mark.parametrize("scope", ["all", "channel:email", "strategy:recall"])
def test_a_pause_holds_what_waits_and_loses_nothing(store: Store, scope: str) -> None:
    scene.admit(store, range(1, 4))
    assert store.pauses.pause(scope, by="anna", reason="wrong text", now=NOON)
    assert not store.pauses.pause(scope, by="ben", reason="", now=NOON)
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 10, NOON)
    assert (claim.touches, claim.examined) == ([], 0)
    assert claim.wake_at == NOON + timedelta(days=2)  # when it expires: nothing spins
    assert scene.states(store) == {"queued": 3}
    ended = store.pauses.resume(scope, by="ben", now=NOON + timedelta(minutes=1))
    assert ended is not None
    assert (ended.author, ended.reason) == ("anna", "wrong text")
    assert store.pauses.resume(scope, by="ben", now=NOON) is None
    assert scene.send(store, NOON + timedelta(minutes=2)) == [1, 2, 3]
    assert scene.broken(store) == {}


@pytest.mark.parametrize("scope", ["channel:sandbox", "strategy:other"])
def test_a_pause_of_something_else_holds_nothing(store: Store, scope: str) -> None:
    scene.admit(store, range(1, 4))
    store.pauses.pause(scope, by="anna", reason="", now=NOON)
    assert scene.send(store, NOON) == [1, 2, 3]


@pytest.mark.parametrize("scope", ["all", "channel:email", "strategy:recall"])
def test_a_pause_acts_on_what_is_claimed_and_at_the_gate(store: Store, scope: str) -> None:
    scene.admit(store, range(1, 4))
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 10, NOON)
    store.pauses.pause(scope, by="anna", reason="", now=NOON)
    assert scene.begin(box, claim, NOON) == []
    assert scene.states(store) == {"queued": 3}
    (lost,) = scene.admit(store, range(4, 5))
    assert (str(lost.reason), lost.detail) == ("not_running", f"{scope} is paused")


def test_what_is_paused_still_expires(store: Store) -> None:
    scene.admit(store, range(1, 4))
    store.pauses.pause("all", by="anna", reason="", now=NOON)
    store.outbox(PLACE).claim(SHEET, 10, NOON + timedelta(days=3))
    assert scene.states(store) == {"expired": 3}


def test_a_withdrawn_plan_ends_what_waits_and_gives_it_back(store: Store) -> None:
    """A19: `plans withdraw` exists."""
    key = make_plan(store)
    store.plans.approve(key, "anna", NOON)
    store.codes.add("ten", ["A", "B", "C"])
    lines = (BudgetLine(scope="b", limit_fen=1_000),)
    scene.admit(store, range(1, 4), plan=key, budgets=lines, code_list="ten")
    assert scene.send(store, NOON, limit=1) == [1]
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 1, NOON)
    assert store.plans.withdraw(key, by="ben", reason="wrong", now=NOON) == 2
    assert scene.begin(box, claim, NOON) == []
    assert scene.states(store) == {"accepted": 1, "failed": 2}
    assert scene.details(store) == {"not_running": 2}
    assert scene.taken(store) == {"b": 10}
    assert store.codes.stock(NOON)[0].issued == 1
    assert store.plans.withdraw(key, by="ben", reason="wrong", now=NOON) == 0
    (entry, _) = store.audit.entries(10, f"plan:{key}")
    assert (entry.actor, entry.action, entry.detail["reason"]) == ("ben", "withdraw", "wrong")
    assert scene.broken(store) == {}


def test_a_plan_withdrawn_while_the_gate_admits_it_stays_withdrawn(store: Store) -> None:
    key = make_plan(store)
    store.plans.approve(key, "anna", NOON)
    store.plans.withdraw(key, by="ben", reason="", now=NOON)
    (lost,) = scene.admit(store, range(1, 2), plan=key)
    assert str(lost.reason) == "not_running"
    store.plans.end(key, NOON)
    assert store.plans.get(key).status == "withdrawn"
    with pytest.raises(RefusedError, match="withdrawn"):
        store.plans.require_approved(key)


def test_a_plan_without_a_summary_is_neither_approved_nor_withdrawn(store: Store) -> None:
    """A28: the run that made it was killed."""
    dead = make_plan(store, finish=False)
    assert store.plans.get(dead).status == "making"
    for act in (
        lambda: store.plans.approve(dead, "anna", NOON),
        lambda: store.plans.withdraw(dead, by="anna", reason="", now=NOON),
        lambda: store.plans.require_approved(dead),
    ):
        with pytest.raises(RefusedError, match="never finished"):
            act()
    good = make_plan(store)
    assert (store.plans.get(dead).status, store.plans.get(good).status) == ("unfinished", "draft")
    with pytest.raises(BusyError):
        store.plans.finish(dead, {})
    assert scene.broken(store) == {}


@pytest.mark.parametrize("kind", ["delivered", "opened", "clicked", "replied", "unsubscribed", "complained"])
def test_any_answer_of_the_customer_settles_an_unknown(store: Store, kind: str) -> None:
    """A35."""
    (decision,) = scene.admit(store, range(1, 2))
    scene.send(store, NOON, "unknown")
    assert decision.touch_key
    answer = Response(touch_key=decision.touch_key, kind=kind, at=NOON)  # type: ignore[arg-type]
    store.outbox(PLACE).respond([answer], NOON)
    assert store.unknowns.count() == 0
    assert "failed" not in scene.states(store)


def test_a_bounce_settles_an_unknown_as_failed(store: Store) -> None:
    (decision,) = scene.admit(store, range(1, 2))
    scene.send(store, NOON, "unknown")
    answer = Response(touch_key=decision.touch_key or "", kind="bounced", at=NOON)
    store.outbox(PLACE).respond([answer], NOON)
    assert scene.states(store) == {"failed": 1}


def test_an_operators_word_settles_unknowns_once_and_is_audited(store: Store) -> None:
    """A35."""
    lines = (BudgetLine(scope="b", limit_fen=1_000),)
    keys = [d.touch_key or "" for d in scene.admit(store, range(1, 4), budgets=lines)]
    scene.send(store, NOON, "unknown")
    assert [one.key for one in store.unknowns.all(10)] == keys
    verdicts = {keys[0]: True, keys[1]: False, "f" * 32: True}
    assert sum(store.unknowns.settle(verdicts, detail="x", now=NOON, by="anna").values()) == 2
    assert sum(store.unknowns.settle(verdicts, detail="x", now=NOON, by="anna").values()) == 0
    assert scene.states(store) == {"accepted": 1, "failed": 1, "unknown": 1}
    assert scene.taken(store) == {"b": 20}
    assert [entry.actor for entry in store.audit.entries(10, f"touch:{keys[1]}")] == ["anna"]


@pytest.mark.parametrize(
    "change",
    [
        {"strategy_version": 2},
        {"strategy_version": 2, "variant": "renamed"},
        {"strategy_version": 2, "content": "other words"},
        {"strategy_version": 2, "holdout_salt": "another"},
        {"strategy_version": 2, "channel": "sandbox"},
    ],
)
def test_a_new_version_of_a_strategy_makes_nobody_new(store: Store, change: dict[str, object]) -> None:
    """A24: re_entry_days 0; sent; another priority, applied, planned and sent on the same day."""
    first = scene.admit(store, range(1, 4), plan="p1")
    assert scene.send(store, NOON) == [1, 2, 3]
    again = scene.admit(store, range(1, 4), plan="p2", **change)
    assert [str(one.reason) for one in again] == ["re_entry"] * 3
    assert store.touches.had("2026-03-02", ["recall"]) == {("recall", "gentle"): [1, 2, 3]}
    same = scene.admit(store, range(1, 4), plan="p1", **change)
    assert [one.touch_key for one in same] == [one.touch_key for one in first]


def test_who_was_held_out_of_a_turn_is_not_drawn_again_for_it(store: Store) -> None:
    """A24, its kind: another rate or salt on the same day."""
    held = scene.admit(store, range(1, 4), plan="p1", holdout_strategy_rate=1.0)
    assert [str(one.reason) for one in held] == ["holdout"] * 3
    change = {"holdout_salt": "another", "holdout_strategy_rate": 0.0, "strategy_version": 2}
    again = scene.admit(store, range(1, 4), plan="p2", **change)
    assert [(str(one.reason), one.detail) for one in again] == [("holdout", "recall")] * 3
    assert store.touches.held_out("2026-03-02", ["recall"]) == {("recall", "gentle", "recall"): [1, 2, 3]}


TWINS = ["Save-10", "ＳＡＶＥ-10", "save-10", "SAVE-\u200b10", "SAVE- 10", "SAVE\u00ad-10", "SAVE-10\ufe0f"]


@pytest.mark.parametrize("code", TWINS)
def test_one_code_is_never_in_two_lists(store: Store, code: str) -> None:
    """A22: zero-width, case and width twins are the same code to whoever reads it."""
    store.codes.add("ten", ["SAVE-10"])
    with pytest.raises(InputError, match=r"line 2 "):
        store.codes.add("twenty", ["fresh", code])
    assert [one.list_key for one in store.codes.stock(NOON)] == ["ten"]


def test_a_list_holds_no_two_ways_of_writing_one_code(store: Store) -> None:
    """A22."""
    store.codes.add("ten", ["A1", "B2"])
    assert store.codes.add("ten", ["A1", "C3"]).new == 1
    with pytest.raises(InputError) as told:
        store.codes.add(
            "ten", ["D4", "d4", "a1", "x\ty", "\u200b", "E5", "E5"], lines=[3, 5, 7, 9, 11, 13, 15]
        )
    for line in (5, 7, 9, 11, 15):
        assert f"line {line} " in str(told.value)
    assert "line 3 " not in str(told.value)
    assert store.codes.stock(NOON)[0].left == 3


def test_codes_of_an_older_store_get_the_key_they_read_by(store: Store) -> None:
    """A22: so that a file is measured by them too."""
    from koipond.store import migrate as migrations

    store.codes.add("ten", ["Save-10"])
    with store.database.write() as connection:
        migrations.downgrade(connection, "0005")
        migrations.upgrade(connection, "head")
    with pytest.raises(InputError, match="list 'ten'"):
        store.codes.add("twenty", ["SAVE-10"])


PLANTED = {
    "quiet_hours": "UPDATE outbox SET sent_s = {evening}",
    "leases": "UPDATE outbox SET state = 'sending', lease = 'gone', sent_s = {noon} - 4000",
    "days": "UPDATE outbox SET sent_s = sent_s + 86400 * 3",
    "plans": "UPDATE plan SET status = 'approved', summary = '{{}}'",
    "sent_codes": "UPDATE offer_code SET expires_s = {noon} - 10",
    "twin_codes": "UPDATE offer_code SET code_key = 'same'",
}


@pytest.mark.parametrize("check", PLANTED)
def test_verify_sees_a_planted_breach(store: Store, check: str) -> None:
    make_plan(store)
    store.codes.add("ten", ["A", "B", "C"])
    lines = (BudgetLine(scope="strategy:recall:2026-03-02", limit_fen=1_000),)
    scene.admit(store, range(1, 4), budgets=lines, code_list="ten")
    scene.send(store, NOON)
    assert scene.broken(store) == {}
    sql = PLANTED[check].format(evening=int(EVENING.timestamp()), noon=int(NOON.timestamp()))
    with store.database.write() as connection:
        connection.execute(sa.text(sql))
    assert check in scene.broken(store)


@pytest.mark.parametrize(
    ("check", "sql"),
    [
        ("permissions", "UPDATE customer SET staff = TRUE, staff_s = {before}"),
        ("permissions", "UPDATE customer SET minor = TRUE, minor_s = {before}"),
        (
            "permissions",
            "INSERT INTO suppression (customer_no, channel, reason, at_s, note)"
            " VALUES (1, '*', 'erased', {before}, '')",
        ),
        (
            "permissions",
            "INSERT INTO people_verdict (rule, customer_no, verdict, author, at_s)"
            " VALUES ('test_account', 1, 'confirmed', 'anna', {before})",
        ),
        ("consent_at_intent", "UPDATE consent_log SET granted = FALSE"),
        ("consent_at_intent", "UPDATE consent_log SET void_s = {before}"),
        ("consents", "UPDATE consent SET granted = FALSE"),
        ("stops", "UPDATE plan SET status = 'withdrawn', ended_s = {before}"),
        (
            "stops",
            "INSERT INTO audit_log (at_s, actor, action, subject, detail)"
            " VALUES ({before}, 'a', 'pause', 'strategy:recall', '{{}}')",
        ),
        (
            "stops",
            "INSERT INTO audit_log (at_s, actor, action, subject, detail)"
            " VALUES ({before}, 'a', 'pause', 'all', '{{}}')",
        ),
    ],
)
def test_verify_sees_whom_it_should_not_have_reached(store: Store, check: str, sql: str) -> None:
    from koipond.store import ConsentStatement

    scene.people(store)
    said = [
        ConsentStatement(
            customer_no=n, channel="email", purpose="marketing", granted=True, at=NOON, source="t"
        )
        for n in range(1, 4)
    ]
    store.consents.append(said, NOON)
    key = make_plan(store)
    scene.admit(store, range(1, 4), consent_required=True, plan=key)
    later = NOON + timedelta(minutes=10)
    assert len(scene.send(store, later)) == 3
    assert scene.broken(store, later) == {}
    before = int((NOON + timedelta(minutes=1)).timestamp())
    with store.database.write() as connection:
        connection.execute(sa.text(sql.format(before=before)))
    assert check in scene.broken(store, later)


def test_a_no_that_came_after_the_intent_is_no_breach(store: Store) -> None:
    from koipond.store import ConsentStatement

    scene.admit(store, range(1, 4))
    scene.send(store, NOON)
    place = {"channel": "email", "purpose": "marketing", "granted": False, "source": "t"}
    said = [ConsentStatement(customer_no=1, at=NOON - timedelta(hours=1), **place)]  # type: ignore[arg-type]
    store.consents.append(said, NOON)
    assert scene.broken(store) == {}
    assert scene.send(store, MORNING) == []
