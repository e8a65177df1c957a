"""Changes that wait for approval: nothing of them is in force before, and only an approver decides."""

from typing import Any

import pytest
from tests.integration.store.outreach_scene import NOON

from koipond.kernel import BusyError, InputError, RefusedError
from koipond.store import DefinitionChange, Store

WHO = ("anna", "budi")


def change(key: str = "recall", was: int = 0, **body: Any) -> DefinitionChange:
    return DefinitionChange(kind="template", key=key, was=was, fingerprint=str(body), body=body)


def applied(store: Store) -> dict[str, int]:
    return {one.key: one.version for one in store.definitions.current()}


def test_what_is_proposed_is_in_force_when_an_approver_says_so(store: Store) -> None:
    made = store.proposals.propose([change(text="hello")], author="mallory", now=NOON)
    assert (made.key, made.state, applied(store)) == ("c1", "waiting", {})
    done = store.proposals.approve("c1", by="anna", approvers=WHO, now=NOON)
    assert (done.state, done.decided_by, done.apply_no) == ("applied", "anna", store.definitions.version())
    assert applied(store) == {"recall": 1}
    acts = [(one.actor, one.action) for one in reversed(store.audit.entries(10))]
    assert acts == [("mallory", "definitions.propose"), ("mallory", "definitions.apply")]
    assert store.audit.entries(1)[0].detail["approved_by"] == "anna"


@pytest.mark.parametrize("by", ["mallory", "somebody"])
def test_whoever_is_no_approver_puts_nothing_in_force(store: Store, by: str) -> None:
    store.proposals.propose([change()], author="mallory", now=NOON)
    with pytest.raises(RefusedError, match="anna, budi"):
        store.proposals.approve("c1", by=by, approvers=WHO, now=NOON)
    assert (applied(store), store.proposals.all()[0].state) == ({}, "waiting")


def test_a_newer_proposal_replaces_the_one_that_waits(store: Store) -> None:
    store.proposals.propose([change(text="a")], author="mallory", now=NOON)
    store.proposals.propose([change(text="b")], author="mallory", now=NOON)
    assert [one.state for one in store.proposals.all()] == ["waiting", "replaced"]
    with pytest.raises(RefusedError, match="replaced"):
        store.proposals.approve("c1", by="anna", approvers=WHO, now=NOON)


def test_what_moved_on_meanwhile_is_not_undone(store: Store) -> None:
    store.proposals.propose([change(text="a"), change("other")], author="mallory", now=NOON)
    store.definitions.apply([change(text="urgent")], author="budi", now=NOON)
    with pytest.raises(BusyError, match="template/recall"):
        store.proposals.approve("c1", by="anna", approvers=WHO, now=NOON)
    assert (applied(store), store.proposals.all()[0].state) == ({"recall": 1}, "waiting")


@pytest.mark.parametrize("by", ["anna", "mallory"])
def test_an_approver_or_the_author_turns_it_down(store: Store, by: str) -> None:
    store.proposals.propose([change()], author="mallory", now=NOON)
    done = store.proposals.reject("c1", by=by, approvers=WHO, reason="too loud", now=NOON)
    assert (done.state, done.reason, applied(store)) == ("rejected", "too loud", {})
    with pytest.raises(RefusedError, match="rejected"):
        store.proposals.approve("c1", by="anna", approvers=WHO, now=NOON)


@pytest.mark.parametrize("key", ["c7", "", "x", "c-1"])
def test_an_unknown_key_is_said(store: Store, key: str) -> None:
    with pytest.raises(InputError, match="changes list"):
        store.proposals.approve(key, by="anna", approvers=WHO, now=NOON)


def test_definitions_are_read_as_of_any_apply(store: Store) -> None:
    store.definitions.apply([change(text="a"), change("gone")], author="anna", now=NOON)
    archive = DefinitionChange(kind="template", key="gone", was=1)
    store.definitions.apply([change(was=1, text="b"), archive], author="anna", now=NOON)
    seen = {
        number: {one.key: one.body.get("text") for one in store.definitions.at(number)[1]}
        for number in (0, 1, 2, None)
    }
    assert seen == {0: {}, 1: {"recall": "a", "gone": None}, 2: {"recall": "b"}, None: {"recall": "b"}}
