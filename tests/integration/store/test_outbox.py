from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from koipond.facts.people import PersonKeys
from koipond.outreach.model import BudgetLine, GateCandidate, QuietHours, TouchState
from koipond.outreach.ports import ChannelSheet, Claim, RateLimit, Response, SendOutcome, SendResult
from koipond.store import ConsentStatement, Store, Suppression
from koipond.store.leases import TTL

PLACE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
SHEET = ChannelSheet(channel="sandbox", attempts_max=3, retry_s=60)
LAPSED = NOON + TTL + timedelta(seconds=1)


@pytest.fixture
def touches(store: Store) -> list[str]:
    """Six queued touches with a budget and a code each; returns their keys."""
    return admit(store, range(1, 7))


def admit(store: Store, numbers: range, *, due: datetime = NOON, days: int = 1) -> list[str]:
    people = [PersonKeys(source="s", shop_id=str(n)) for n in range(1, 13)]
    refs = {ref.customer_no: ref for ref in store.identity.resolve(people, NOON)}
    store.codes.add("ten", [f"code{n}" for n in range(20)])
    candidates = [
        GateCandidate(
            customer_no=n,
            customer_uid=refs[n].customer_uid,
            strategy="recall",
            strategy_version=1,
            play="gentle",
            occurrence="1",
            variant="b",
            channel="sandbox",
            purpose="marketing",
            content="c1",
            due_at=due,
            expires_at=due + timedelta(days=days),
            cost_fen=5,
            caps=(),
            budgets=(BudgetLine(scope="b", limit_fen=10_000),),
            consent_required=False,
            address_required=False,
            re_entry_days=0,
            duplicate_content_days=0,
            holdout_global_rate=0.0,
            holdout_strategy_rate=0.0,
            holdout_salt="s",
            code_list="ten",
            offer_cost_fen=10,
            template="hello",
            template_version=2,
            values={"name": "小王"},
        )
        for n in numbers
    ]
    gate = store.gate(PLACE, quiet=QuietHours(start_hour=0, end_hour=0))
    return [d.touch_key or "" for d in gate.admit(candidates, NOON, "p1")]


def states(store: Store) -> dict[str, int]:
    return {state.value: count for state, count in store.outbox(PLACE).counts().items()}


def finish(
    store: Store, claim: Claim, outcome: SendOutcome, now: datetime = NOON, suppress: bool = False
) -> None:
    box = store.outbox(PLACE)
    begun = box.advance(SHEET, claim, begin=claim.touches, now=now).may_go
    done = [
        (one, SendResult(key=one.touch_key, outcome=outcome, detail="said", suppress=suppress))
        for one in begun
    ]
    box.advance(SHEET, claim, done=done, now=now)


def given_back(store: Store) -> tuple[int, int]:
    with store.database.read() as connection:
        taken = connection.execute(sa.text("SELECT taken_fen FROM budget WHERE scope = 'b'")).scalar_one()
    return int(taken), store.codes.stock(NOON)[0].issued


def whole(store: Store, now: datetime = NOON) -> list[str]:
    return [f"{check.name}: {check.detail}" for check in store.checks.all(PLACE, now) if check.breaks]


def test_a_claim_hands_over_all_a_message_needs(store: Store, touches: list[str]) -> None:
    claim = store.outbox(PLACE).claim(SHEET, 4, NOON)
    assert [one.touch_key for one in claim.touches] == touches[:4]
    first = claim.touches[0]
    assert (first.template, first.template_version, first.values, first.code) == (
        "hello",
        2,
        {"name": "小王"},
        "code0",
    )
    assert (first.customer_no, first.variant, first.attempts, first.due_at) == (1, "b", 0, NOON)
    assert states(store) == {"leased": 4, "queued": 2}


def test_no_touch_is_leased_to_two(store: Store, touches: list[str]) -> None:
    box = store.outbox(PLACE)
    keys = [one.touch_key for _ in range(3) for one in box.claim(SHEET, 4, NOON).touches]
    assert sorted(keys) == sorted(touches)


def test_nothing_is_handed_out_before_it_is_due(store: Store) -> None:
    admit(store, range(1, 3), due=NOON + timedelta(hours=1))
    claim = store.outbox(PLACE).claim(SHEET, 10, NOON)
    assert (claim.touches, claim.examined) == ([], 0)
    assert claim.wake_at == NOON + timedelta(hours=1)
    assert len(store.outbox(PLACE).claim(SHEET, 10, NOON + timedelta(hours=1)).touches) == 2


def test_an_accepted_touch_is_done(store: Store, touches: list[str]) -> None:
    finish(store, store.outbox(PLACE).claim(SHEET, 10, NOON), "accepted")
    assert states(store) == {"accepted": 6}
    assert store.outbox(PLACE).claim(SHEET, 10, LAPSED).examined == 0
    assert store.outbox(PLACE).next_due("sandbox", NOON) is None
    assert given_back(store) == (90, 6)
    assert whole(store) == []


def test_each_worker_counts_only_what_it_brought_to_an_end(store: Store, touches: list[str]) -> None:
    mine, other = store.outbox(PLACE), store.outbox(PLACE)
    first, second = mine.claim(SHEET, 2, NOON), other.claim(SHEET, 1, NOON)
    for box, claim in ((mine, first), (other, second)):
        assert box.advance(SHEET, claim, begin=claim.touches, now=NOON).ended == {}
    said = [(t, SendResult(key=t.touch_key, outcome="accepted")) for t in (*first.touches, *second.touches)]
    assert mine.advance(SHEET, first, done=said[:2], now=NOON).ended == {("p1", TouchState.ACCEPTED): 2}
    assert mine.advance(SHEET, first, done=said[:2], now=NOON).ended == {}
    mine.close()
    fresh = store.outbox(PLACE)
    swept = fresh.claim(SHEET, 1, LAPSED)  # the other one has died with the intent on record
    assert swept.ended == {("p1", TouchState.UNKNOWN): 1}
    late = other.advance(SHEET, second, done=said[2:], now=LAPSED)
    assert late.ended == {("p1", TouchState.ACCEPTED): 1}
    over = NOON + timedelta(days=30)
    fresh.close()
    assert store.outbox(PLACE).claim(SHEET, 10, over).ended == {("p1", TouchState.EXPIRED): 3}
    assert store.outbox(PLACE).counts_of(["p1", "p2"]) == {"p1": store.outbox(PLACE).counts(), "p2": {}}


def test_the_intent_is_on_record_before_the_call(store: Store, touches: list[str]) -> None:
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 2, NOON)
    assert len(box.advance(SHEET, claim, begin=claim.touches, now=NOON).may_go) == 2
    assert states(store) == {"sending": 2, "queued": 4}


def test_a_worker_that_died_before_the_intent_leaves_its_touches_to_others(
    store: Store, touches: list[str]
) -> None:
    dead = store.outbox(PLACE).claim(SHEET, 3, NOON)
    claim = store.outbox(PLACE).claim(SHEET, 10, LAPSED)
    assert len(claim.touches) == 6
    assert store.outbox(PLACE).advance(SHEET, dead, begin=dead.touches, now=LAPSED).may_go == []


def test_a_worker_that_died_after_the_intent_leaves_unknown_which_nobody_sends_again(
    store: Store, touches: list[str]
) -> None:
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 3, NOON)
    box.advance(SHEET, claim, begin=claim.touches[:2], now=NOON)
    box = store.outbox(PLACE)
    box.advance(SHEET, box.claim(SHEET, 10, LAPSED), now=LAPSED)
    assert states(store) == {"unknown": 2, "leased": 4}
    assert given_back(store) == (90, 6)
    later = LAPSED + timedelta(hours=1)
    assert store.outbox(PLACE).claim(SHEET, 10, later).touches[0].touch_key == touches[2]
    assert states(store)["unknown"] == 2


def test_only_a_channel_that_drops_repeats_is_called_again(store: Store, touches: list[str]) -> None:
    box, sheet = store.outbox(PLACE), replace(SHEET, idempotent=True)
    claim = box.claim(sheet, 2, NOON)
    box.advance(sheet, claim, begin=claim.touches, now=NOON)
    again = store.outbox(PLACE).claim(sheet, 2, LAPSED)
    assert [one.touch_key for one in again.touches] == touches[:2]
    assert [one.attempts for one in again.touches] == [1, 1]


def test_an_answer_that_comes_late_settles_the_unknown(store: Store, touches: list[str]) -> None:
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 2, NOON)
    begun = box.advance(SHEET, claim, begin=claim.touches, now=NOON).may_go
    store.outbox(PLACE).claim(SHEET, 0, LAPSED)
    assert states(store)["unknown"] == 2
    done = [(one, SendResult(key=one.touch_key, outcome="accepted")) for one in begun]
    box.advance(SHEET, claim, done=done, now=LAPSED)
    assert states(store) == {"accepted": 2, "queued": 4}


def test_a_message_that_cannot_be_written_fails_before_any_call(store: Store, touches: list[str]) -> None:
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 2, NOON)
    done = [(claim.touches[0], SendResult(key=touches[0], outcome="failed", detail="no name"))]
    assert len(box.advance(SHEET, claim, done=done, begin=claim.touches, now=NOON).may_go) == 1
    assert states(store) == {"failed": 1, "sending": 1, "queued": 4}
    assert given_back(store) == (75, 5)


def test_a_late_worker_leaves_alone_what_another_has_leased(store: Store, touches: list[str]) -> None:
    box = store.outbox(PLACE)
    late = store.outbox(PLACE).claim(SHEET, 2, NOON)
    other = box.claim(SHEET, 2, LAPSED)
    assert [one.touch_key for one in other.touches] == [one.touch_key for one in late.touches]
    box.advance(SHEET, other, begin=other.touches[:1], now=LAPSED)
    done = [(one, SendResult(key=one.touch_key, outcome="failed")) for one in late.touches]
    box.advance(SHEET, late, done=done, now=LAPSED)
    assert states(store) == {"sending": 1, "leased": 1, "queued": 4}


def test_an_operator_settles_an_unknown_once(store: Store, touches: list[str]) -> None:
    finish(store, store.outbox(PLACE).claim(SHEET, 2, NOON), "unknown")
    box = store.outbox(PLACE)
    assert box.resolve(touches[0], True, NOON, "seen in the provider's log")
    assert box.resolve(touches[1], False, NOON, "never arrived there")
    assert not box.resolve(touches[1], True, NOON, "")
    assert not box.resolve(touches[2], True, NOON, "")
    assert states(store) == {"accepted": 1, "failed": 1, "queued": 4}
    assert given_back(store) == (75, 5)


def test_a_refusal_is_tried_again_later_and_at_last_fails(store: Store, touches: list[str]) -> None:
    box, now = store.outbox(PLACE), NOON
    for attempt in (1, 2):
        finish(store, box.claim(SHEET, 1, now), "refused", now)
        assert states(store) == {"queued": 6}
        wait = box.claim(replace(SHEET, channel="other"), 1, now).wake_at
        assert wait is None
        with store.database.read() as connection:
            query = sa.text("SELECT due_s, attempts FROM outbox WHERE touch_no = 1")
            due_s, attempts = connection.execute(query).one()
        assert attempts == attempt
        assert 60 * attempt <= due_s - now.timestamp() <= 90 * attempt
        later = box.claim(SHEET, 5, now)
        assert touches[0] not in [one.touch_key for one in later.touches]
        box.release(later)
        now = datetime.fromtimestamp(due_s, UTC)
        with store.database.write() as connection:  # nothing else in the way of the next turn
            connection.execute(sa.text("UPDATE outbox SET due_s = due_s + 9000 WHERE touch_no > 1"))
    finish(store, box.claim(SHEET, 1, now), "refused", now)
    assert states(store) == {"failed": 1, "queued": 5}
    assert given_back(store) == (75, 5)
    assert whole(store, now) == []


def test_a_definite_failure_gives_budget_and_code_back_and_opens_the_cap(
    store: Store, touches: list[str]
) -> None:
    finish(store, store.outbox(PLACE).claim(SHEET, 2, NOON), "failed", suppress=True)
    assert given_back(store) == (60, 4)
    (record,) = store.touches.of(1)
    assert (record.state, record.detail) == ("failed", "said")
    (barred,) = store.consents.suppressions([1])
    assert (barred.reason, barred.channel) == ("hard_bounce", "sandbox")
    assert whole(store) == []


def test_what_is_not_sent_in_time_expires_and_gives_everything_back(store: Store, touches: list[str]) -> None:
    late = NOON + timedelta(days=1)
    claim = store.outbox(PLACE).claim(SHEET, 10, late)
    assert (claim.touches, claim.examined) == ([], 6)
    assert states(store) == {"expired": 6}
    assert given_back(store) == (0, 0)
    assert whole(store, late) == []


def test_who_opts_out_while_a_touch_waits_does_not_get_it(store: Store, touches: list[str]) -> None:
    store.consents.suppress([Suppression(customer_no=2, reason="complaint", at=NOON)])
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE touch SET consent_required = TRUE WHERE customer_no IN (3, 4)"))
    said = ConsentStatement(
        customer_no=3, channel="sandbox", purpose="marketing", granted=True, at=NOON, source="form"
    )
    store.consents.append([said], NOON)
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 10, NOON)
    going = box.advance(SHEET, claim, begin=claim.touches, now=NOON).may_go
    assert [one.customer_no for one in going] == [1, 3, 5, 6]
    assert states(store) == {"sending": 4, "failed": 2}
    assert [store.touches.of(n)[0].detail for n in (2, 4)] == ["suppressed", "no_consent"]


def test_who_refuses_while_a_touch_waits_does_not_get_it_though_no_consent_was_asked(
    store: Store, touches: list[str]
) -> None:
    place = {"channel": "sandbox", "purpose": "marketing", "granted": False, "at": NOON, "source": "form"}
    store.consents.append([ConsentStatement(customer_no=3, **place)], NOON)
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, 10, NOON)
    going = box.advance(SHEET, claim, begin=claim.touches, now=NOON).may_go
    assert 3 not in {one.customer_no for one in going}
    assert len(going) == len(touches) - 1
    assert store.touches.of(3)[0].detail == "no_consent"


def test_a_late_worker_does_not_send_at_night(store: Store, touches: list[str]) -> None:
    night = datetime(2026, 3, 2, 13, tzinfo=UTC)  # 21:00 in Shanghai
    claim = store.outbox(PLACE, quiet=QuietHours()).claim(SHEET, 4, night)
    assert (claim.touches, claim.examined) == ([], 4)
    morning = datetime(2026, 3, 3, 1, tzinfo=UTC)
    sheet = replace(SHEET, hours=QuietHours(start_hour=8, end_hour=10))
    with store.database.read() as connection:
        due = connection.execute(sa.text("SELECT max(due_s) FROM outbox")).scalar_one()
    assert due == morning.timestamp()
    assert store.outbox(PLACE).claim(sheet, 4, NOON - timedelta(hours=3)).touches == []


def test_no_more_is_handed_out_than_the_rate_allows_by_all_workers(
    open_store: Callable[[], Store], store: Store, touches: list[str]
) -> None:
    sheet = replace(SHEET, rate=RateLimit(touches_max=2, seconds=10))
    first, second = store.outbox(PLACE), open_store().outbox(PLACE)
    assert len(first.claim(sheet, 10, NOON).touches) == 2
    claim = second.claim(sheet, 10, NOON)
    assert claim.touches == []
    assert claim.wake_at == NOON + timedelta(seconds=5)
    assert len(second.claim(sheet, 10, NOON + timedelta(seconds=4.9)).touches) == 0
    assert len(second.claim(sheet, 10, NOON + timedelta(seconds=5)).touches) == 1
    assert len(first.claim(sheet, 10, NOON + timedelta(minutes=1)).touches) == 2  # the bucket holds no more


def test_receipts_move_a_touch_on_but_never_back_and_count_once(store: Store, touches: list[str]) -> None:
    finish(store, store.outbox(PLACE).claim(SHEET, 6, NOON), "accepted")
    box = store.outbox(PLACE)
    clicked = Response(touch_key=touches[0], kind="clicked", at=NOON)
    delivered = Response(touch_key=touches[0], kind="delivered", at=NOON)
    assert box.respond([clicked, delivered, clicked], NOON) == 2
    assert box.respond([clicked, Response(touch_key="not ours", kind="clicked", at=NOON)], NOON) == 0
    assert states(store) == {"accepted": 5, "clicked": 1}


def test_opt_outs_and_complaints_hold_at_once(store: Store, touches: list[str]) -> None:
    finish(store, store.outbox(PLACE).claim(SHEET, 6, NOON), "accepted")
    store.outbox(PLACE).respond(
        [
            Response(touch_key=touches[0], kind="unsubscribed", at=NOON),
            Response(touch_key=touches[1], kind="complained", at=NOON),
            Response(touch_key=touches[2], kind="bounced", at=NOON, detail="5.1.1"),
        ],
        NOON,
    )
    (said,) = store.consents.history([1])
    assert (said.granted, said.channel, said.purpose, said.proof) == (
        False,
        "sandbox",
        "marketing",
        touches[0],
    )
    assert [store.consents.suppressions([n])[0].reason for n in (2, 3)] == ["complaint", "hard_bounce"]
    assert states(store) == {"accepted": 4, "complained": 1, "failed": 1}
    assert given_back(store) == (75, 5)
    assert whole(store) == []


def test_a_receipt_settles_an_unknown(store: Store, touches: list[str]) -> None:
    finish(store, store.outbox(PLACE).claim(SHEET, 1, NOON), "unknown")
    store.outbox(PLACE).respond([Response(touch_key=touches[0], kind="delivered", at=NOON)], NOON)
    assert states(store) == {"delivered": 1, "queued": 5}


def test_the_warehouse_is_told_each_change_once(store: Store, touches: list[str]) -> None:
    export = store.export(PLACE)
    from koipond.store.export import ExportCursor, cursor_from

    first = export.since(ExportCursor())
    assert (first.touches.num_rows, first.assignments.num_rows, first.done) == (6, 6, True)
    assert set(first.touches.column("state").to_pylist()) == {"queued"}
    nothing = export.since(cursor_from(first.cursor.to_dict()))
    assert (nothing.touches.num_rows, nothing.assignments.num_rows, nothing.dropped) == (0, 0, [])
    finish(store, store.outbox(PLACE).claim(SHEET, 1, NOON), "accepted")
    finish(store, store.outbox(PLACE).claim(SHEET, 1, NOON), "failed")
    store.outbox(PLACE).respond([Response(touch_key=touches[0], kind="clicked", at=NOON)], NOON)
    then = export.since(first.cursor)
    assert [(r["touch_key"], r["state"]) for r in then.touches.to_pylist()] == [(touches[0], "clicked")]
    assert then.dropped == [touches[1]]
    (response,) = then.responses.to_pylist()
    assert (response["kind"], response["customer_no"], response["day"]) == ("clicked", 1, 20514)
    (told,) = then.touches.to_pylist()
    assert (told["cost_fen"], told["variant"], told["day"], told["at_s"]) == (
        15,
        "b",
        20514,
        NOON.timestamp(),
    )


def test_counts_are_of_one_plan_when_asked(store: Store, touches: list[str]) -> None:
    assert store.outbox(PLACE).counts("p1") == {TouchState.QUEUED: 6}
    assert store.outbox(PLACE).counts("p2") == {}
