"""The page behind an unsubscribe link says what is true, and proves it (A14)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from koipond.api.server import build_server
from koipond.bootstrap import App
from koipond.facts.people import PersonKeys, PersonRef
from koipond.kernel import FixedClock
from koipond.outreach.model import GateCandidate
from koipond.store import ConsentStatement, answers

MORNING = datetime(2026, 3, 2, 2, tzinfo=UTC)  # 10:00 in Shanghai: the workspace's clock
EVENING = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)  # 16:30: the newest order, and the grant
MACHINE = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def app(app: App) -> App:
    app.__dict__["clock"] = FixedClock(MORNING)
    return app


@pytest.fixture
def person(app: App) -> PersonRef:
    keys = [PersonKeys(source="s", shop_id="1", email="x@example.org")]
    [one] = app.store.identity.resolve(keys, MORNING)
    said = ConsentStatement(
        customer_no=1, channel="email", purpose="marketing", granted=True, at=EVENING, source="import 1"
    )
    app.store.consents.append([said], MACHINE)
    return one


def ask(app: App, one: PersonRef, strategy: str) -> Any:
    candidate = GateCandidate(
        customer_no=one.customer_no,
        customer_uid=one.customer_uid,
        strategy=strategy,
        strategy_version=1,
        play="p",
        occurrence="1",
        variant="",
        channel="email",
        purpose="marketing",
        content=strategy,
        due_at=MORNING,
        expires_at=MORNING + timedelta(days=1),
        cost_fen=0,
        caps=(),
        budgets=(),
        consent_required=True,
        address_required=True,
        re_entry_days=0,
        duplicate_content_days=0,
        holdout_global_rate=0.0,
        holdout_strategy_rate=0.0,
        holdout_salt="salt",
    )
    return app.store.gate(app.zone).admit([candidate], MORNING, strategy)[0]


@pytest.fixture
def link(app: App, person: PersonRef) -> str:
    key = ask(app, person, "first").touch_key
    assert key is not None
    return f"/unsubscribe/{key}"


@pytest.fixture
def page(app: App) -> TestClient:
    return TestClient(build_server(app), base_url="http://127.0.0.1")


def test_a_click_holds_although_the_grant_is_stamped_later(
    page: TestClient, app: App, person: PersonRef, link: str
) -> None:
    """A14."""
    answer = page.post(link, content="List-Unsubscribe=One-Click")
    assert (answer.status_code, "You are unsubscribed" in answer.text) == (200, True)
    assert str(ask(app, person, "second").reason) == "no_consent"
    assert page.post(link).status_code == 200
    assert str(ask(app, person, "third").reason) == "no_consent"


@pytest.mark.parametrize("method", ["get", "head"])
def test_following_the_link_unsubscribes_nobody(
    page: TestClient, app: App, person: PersonRef, link: str, method: str
) -> None:
    assert getattr(page, method)(link).status_code == 200
    assert ask(app, person, "second").reason is None


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_link_says_that_it_is_unknown(page: TestClient, link: str, method: str) -> None:
    answer = getattr(page, method)("/unsubscribe/" + "0" * 32)
    assert answer.status_code == 404
    assert all(word in answer.text for word in ("此退订链接无效", "unknown", "tidak dikenal"))
    assert "You are unsubscribed" not in answer.text


@pytest.mark.parametrize("fault", ["without effect", "store away"])
def test_what_is_not_proven_is_not_promised(
    page: TestClient, app: App, person: PersonRef, link: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def lose(*_: object) -> int:
        if fault == "store away":
            raise OSError("disk full")
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(answers, "record", lose)
        answer = page.post(link)
    assert answer.status_code == 503
    assert all(word in answer.text for word in ("未能记录", "not recorded", "belum tercatat"))
    assert ask(app, person, "second").reason is None
    assert app.store.consents.current().num_rows == 1, "nothing was recorded by halves"


def test_a_click_after_a_new_yes_at_the_same_second_counts_again(
    page: TestClient, app: App, person: PersonRef, link: str
) -> None:
    page.post(link)
    later = ConsentStatement(
        customer_no=1, channel="email", purpose="marketing", granted=True, at=MACHINE, source="import 2"
    )
    app.store.consents.append([later], MACHINE)
    assert ask(app, person, "second").reason is None
    page.post(link)
    assert str(ask(app, person, "third").reason) == "no_consent"
