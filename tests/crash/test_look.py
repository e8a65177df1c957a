"""The comparison behind the kills: it sees a row too many or too few, and what a name may not hide."""

import json
from datetime import timedelta
from typing import Any

from tests.crash.steps.compare import differences, lost_touches, of_senders, told_wrong
from tests.crash.steps.look import State
from tests.crash.steps.names import Names, plain
from tests.crash.steps.runner import NOW

NOW_S = int(NOW.timestamp())


def rows(*bodies: dict[str, object]) -> list[str]:
    return sorted(json.dumps(body, sort_keys=True) for body in bodies)


def test_a_row_too_few_or_too_many_is_named() -> None:
    before = {"store.consent": rows({"customer_no": 1}, {"customer_no": 2})}
    after = {"store.consent": rows({"customer_no": 2}, {"customer_no": 2}), "warehouse.new": rows({"x": 1})}
    assert differences(before, before, clock=True) == []
    assert differences(before, after, clock=True) == [
        'store.consent: missing {"customer_no": 1}',
        'store.consent: too many {"customer_no": 2}',
        'warehouse.new: too many {"x": 1}',
    ]


def test_an_instant_of_the_run_counts_by_the_hour_on_another_clock_and_one_of_a_file_by_the_second() -> None:
    late = int(timedelta(seconds=61).total_seconds())

    def compared(one: int, two: int, *, clock: bool) -> int:
        before, after = ({"store.a": rows({"at_s": at})} for at in (one, two))
        return len(differences(before, after, clock=clock))

    assert compared(NOW_S, NOW_S + late, clock=True) == 2
    assert compared(NOW_S, NOW_S + late, clock=False) == 0
    assert compared(NOW_S, NOW_S + 3600, clock=False) == 2
    assert compared(NOW_S - 600, NOW_S - 600 + late, clock=False) == 2


STATEMENT = {"channel": "email", "purpose": "marketing", "granted": True, "at_s": 5}


def scene(*, import_no: int, outcome: str = "done", plan_no: int = 1, seq: int = 1) -> dict[str, list[Any]]:
    """Return the rows of a store in which everything that is numbered has the given numbers."""
    said = {**STATEMENT, "seq": seq, "customer_no": 1, "import_no": import_no, "heard_no": seq}
    touch = {"touch_no": seq, "touch_key": f"key{seq}", "customer_no": 1, "strategy": "s", "play": "p"}
    return {
        "store.import_batch": [
            {
                "import_no": import_no,
                "kind": "orders",
                "source": "default",
                "file": "a.csv",
                "fingerprint": "f",
                "outcome": outcome,
            }
        ],
        "store.plan": [{"plan_no": plan_no, "status": "draft", "summary": "{}"}],
        "store.touch": [{**touch, "occurrence": "o", "plan": f"p{plan_no}"}],
        "store.outbox": [{"touch_no": seq, "heard_seq": seq, "state": "accepted"}],
        "store.consent_log": [{**said, "proof": f"import {import_no}: a.csv"}],
        "store.definition_apply": [],
        "store.grade_change": [],
        "warehouse.orders": [{"order_no": (import_no << 32) + 7, "import_no": import_no}],
    }


def told(found: dict[str, list[Any]]) -> State:
    names = Names(found)
    return {name: rows(*plain(name, body, names)) for name, body in found.items()}


def test_a_killed_attempt_may_use_up_numbers() -> None:
    first, second = told(scene(import_no=1)), told(scene(import_no=4, plan_no=3, seq=9))
    keys = ("store.touch",)  # its key is drawn; it is named where something refers to it
    for name in keys:
        first[name] = [row.replace("key1", "") for row in first[name]]
        second[name] = [row.replace("key9", "") for row in second[name]]
    assert differences(first, second, clock=True) == []


def test_rows_of_an_import_that_failed_are_not_those_of_one_that_is_done() -> None:
    lines = differences(told(scene(import_no=1)), told(scene(import_no=1, outcome="failed")), clock=True)
    assert {line.partition(":")[0] for line in lines} >= {"warehouse.orders", "store.consent_log"}


def test_a_reference_to_another_touch_plan_or_statement_is_seen() -> None:
    right = scene(import_no=1)
    wrong: dict[str, list[Any]] = json.loads(json.dumps(right))
    wrong["store.consent_log"].append({**right["store.consent_log"][0], "seq": 2, "granted": False})
    extra = {**right, "store.consent_log": wrong["store.consent_log"]}
    wrong["store.outbox"][0]["heard_seq"] = 2
    wrong["store.touch"][0]["plan"] = "p2"
    lines = differences(told(extra), told(wrong), clock=True)
    assert sorted(line.partition(" ")[0] for line in lines) == ["store.outbox:"] * 2 + ["store.touch:"] * 2


def sent(**states: str) -> State:
    names = {touch: f"{touch[1:]}/s/p/o" for touch in states}
    outbox = [
        {"touch_no": names[touch], "state": state, "attempts": 1, "detail": ""}
        for touch, state in states.items()
    ]
    arrived = [{"touch_key": names[t]} for t, state in states.items() if state in ("accepted", "unknown")]
    return {
        "store.outbox": rows(*outbox),
        "store.offer_code": [],
        "store.budget": rows({"scope": "s", "taken_fen": len(arrived)}),
        "sandbox": rows(*arrived),
        "mail": [],
    }


def test_a_lost_answer_excuses_its_own_touch_alone() -> None:
    wanted = sent(t1="accepted", t2="accepted", t3="blocked")
    found = sent(t1="unknown", t2="blocked", t3="blocked")
    lost = lost_touches(wanted, found)
    assert lost == {"1/s/p/o"}
    lines = differences(of_senders(wanted, lost), of_senders(found, lost), clock=True)
    assert {line.partition(":")[0] for line in lines} == {"store.outbox", "sandbox"}
    assert all("2/s/p/o" in line for line in lines)


def test_a_message_that_went_out_twice_or_although_it_failed_is_said() -> None:
    found = sent(t1="accepted", t2="failed")
    found["sandbox"] += [*found["sandbox"], *rows({"touch_key": "2/s/p/o"})]
    assert told_wrong(found) == [
        "sandbox: 1/s/p/o went out 2 times",
        "sandbox: 2/s/p/o has failed and arrived",
    ]
