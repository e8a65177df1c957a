"""No path breaks a cap, a budget, a hold-out or a code: in any order of asking, sending, failing, dying."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from koipond.facts.people import PersonKeys
from koipond.outreach.gate import touch_key
from koipond.outreach.model import BudgetLine, FrequencyCap, GateCandidate
from koipond.outreach.ports import ChannelSheet, SendOutcome, SendResult
from koipond.store import Store, memory_keys

PLACE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 2, 4, tzinfo=UTC)
SHEET = ChannelSheet(channel="sandbox", attempts_max=2, retry_s=3_600)
PEOPLE = 4
LIMIT = 60

caps = st.builds(
    FrequencyCap,
    key=st.sampled_from(["a", "b"]),
    touches_max=st.integers(1, 2),
    window=st.sampled_from(["rolling_days", "calendar_day", "calendar_week"]),
    days=st.integers(1, 3),
)
asked = st.tuples(
    st.integers(1, PEOPLE),  # customer
    st.sampled_from(["x", "y"]),  # strategy
    st.integers(0, 3),  # occurrence
    st.integers(0, 50),  # due in hours
    st.booleans(),  # with a code
)
act = st.one_of(
    st.tuples(st.just("admit"), st.lists(asked, min_size=1, max_size=8)),
    st.tuples(
        st.just("send"), st.lists(st.sampled_from(["accepted", "refused", "failed", "unknown", "died"]))
    ),
    st.tuples(st.just("wait"), st.integers(1, 40)),
)


def candidate(
    place: tuple[int, str, int, int, bool], uids: list[str], rule: FrequencyCap, now: datetime
) -> GateCandidate:
    customer_no, strategy, occurrence, due_hours, with_code = place
    due = now + timedelta(hours=due_hours)
    return GateCandidate(
        customer_no=customer_no,
        customer_uid=uids[customer_no - 1],
        strategy=strategy,
        strategy_version=1,
        play="p",
        occurrence=str(occurrence),
        variant="",
        channel="sandbox",
        purpose="marketing",
        content=f"{strategy}{occurrence}",
        due_at=due,
        expires_at=due + timedelta(hours=30),
        cost_fen=7,
        caps=(rule,),
        budgets=(BudgetLine(scope="total", limit_fen=LIMIT),),
        consent_required=False,
        address_required=False,
        re_entry_days=0,
        duplicate_content_days=0,
        holdout_global_rate=0.2,
        holdout_strategy_rate=0.3,
        holdout_salt="s",
        code_list="ten" if with_code else None,
        offer_cost_fen=3 if with_code else 0,
    )


def numbered(first_no: int, count: int) -> list[str]:
    return [f"{first_no + n:032x}" for n in range(count)]


def send(store: Store, outcomes: list[str], now: datetime) -> None:
    box = store.outbox(PLACE)
    claim = box.claim(SHEET, len(outcomes), now)
    begun = box.advance(SHEET, claim, begin=claim.touches, now=now).may_go
    done = []
    for one, outcome in zip(begun, outcomes, strict=False):
        if outcome != "died":
            said: SendOutcome = outcome  # type: ignore[assignment]
            done.append((one, SendResult(key=one.touch_key, outcome=said)))
    box.advance(SHEET, claim, done=done, now=now)


@settings(max_examples=60, deadline=None)
@given(st.lists(act, max_size=14), caps)
def test_no_path_breaks_an_invariant(acts: list[tuple[str, object]], rule: FrequencyCap) -> None:
    with Store.open("sqlite://", memory_keys(b"k"), new_uids=numbered) as store:
        refs = store.identity.resolve([PersonKeys(source="s", shop_id=str(n)) for n in range(PEOPLE)], START)
        uids = [ref.customer_uid for ref in refs]
        store.codes.add("ten", ["A", "B", "C"])
        now = START
        for name, what in acts:
            if name == "wait":
                now += timedelta(hours=what)  # type: ignore[arg-type]
            elif name == "send":
                send(store, what, now)  # type: ignore[arg-type]
            else:
                asked = [candidate(place, uids, rule, now) for place in what]  # type: ignore[attr-defined]
                batch = list({touch_key(one): one for one in asked}.values())  # a plan asks once for each
                gate = store.gate(PLACE)
                first = gate.admit(batch, now)
                touches = sum(store.outbox(PLACE).counts().values())
                again = gate.admit(batch, now)
                assert [d.touch_key for d in again if d.touch_key] == [
                    d.touch_key for d in first if d.touch_key
                ]
                assert [d.reason for d in again] == [d.reason for d in first]
                assert sum(store.outbox(PLACE).counts().values()) == touches
            broken = [
                check for check in store.checks.all(PLACE, now) if check.breaks and check.name != "leases"
            ]
            assert broken == []
            assert len(set(store.codes.holders("ten").values())) == len(store.codes.holders("ten"))
