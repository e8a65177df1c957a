"""The comparison behind the kills: what it leaves out by name, and that it sees a row too many or too few."""

import json

from tests.crash.steps.look import State, differences


def rows(*bodies: dict[str, object]) -> list[str]:
    return sorted(json.dumps(body, sort_keys=True) for body in bodies)


def compared(before: State, after: State, *, clock: bool = True) -> list[str]:
    return differences(before, after, ignore={}, clock=clock)


def test_a_row_too_few_or_too_many_is_named() -> None:
    before = {"store.consent": rows({"customer_no": 1}, {"customer_no": 2})}
    after = {"store.consent": rows({"customer_no": 2}, {"customer_no": 2}), "warehouse.new": rows({"x": 1})}
    assert compared(before, before) == []
    assert compared(before, after) == [
        'store.consent: missing {"customer_no": 1}',
        'store.consent: too many {"customer_no": 2}',
        'warehouse.new: too many {"x": 1}',
    ]


def test_instants_of_the_machine_count_on_the_same_clock_alone() -> None:
    before, after = {"store.a": rows({"at_s": 1})}, {"store.a": rows({"at_s": 2})}
    assert len(compared(before, after)) == 2
    assert compared(before, after, clock=False) == []
    files = {"warehouse.orders": rows({"at_s": 1})}, {"warehouse.orders": rows({"at_s": 2})}
    assert len(compared(*files, clock=False)) == 2
