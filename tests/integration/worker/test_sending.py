"""The send loop on a real workspace: what cannot be written, who opts out, a channel that breaks, a stop."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.crash import scene

from koipond.bootstrap import App
from koipond.kernel import fingerprint
from koipond.outreach.ports import Channel, MayGoOn, Message, Response, SendResult, always
from koipond.store import DefinitionChange
from koipond.worker.loop import SendLoop
from koipond.worker.sending import send_due


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """A workspace with the first round of touches queued for the sandbox."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("KOIPOND_SMTP_URL", raising=False)
    folder = tmp_path / "brand"
    scene.prepare(folder, lives=1, store=None, key="brand")
    with scene.open_life(folder, 0) as opened:
        for asked in scene.rounds(opened, "sandbox", 0):
            opened.store.gate(opened.zone).admit(asked, opened.clock.now(), "p1")
        yield opened


class Around:
    """A channel around the sandbox that a test can hook into."""

    def __init__(self, inner: Channel) -> None:
        self.inner = inner
        self.sheet = replace(inner.sheet, group_size=50)
        self.groups = 0

    def send(
        self, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn = always
    ) -> list[SendResult]:
        self.groups += 1
        return self.inner.send(messages, now, may_go_on)

    def collect(self, now: datetime) -> Sequence[Response]:
        return self.inner.collect(now)

    def close(self) -> None:
        self.inner.close()


class Broken(Around):
    """Dies in its second group."""

    def send(
        self, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn = always
    ) -> list[SendResult]:
        found = super().send(messages, now, may_go_on)
        if self.groups == 2:
            raise OSError("the provider hung up")
        return found


def states(app: App) -> dict[str, int]:
    return {state.value: count for state, count in app.store.outbox(app.zone).counts().items()}


def test_all_that_is_due_arrives_once(app: App) -> None:
    waiting = states(app)["queued"]
    with app.channels() as channels:
        done = send_due(app, channels)
        assert done.of("accepted") == waiting
        assert done.wake_at is None
        assert send_due(app, channels).outcomes == {}
    assert states(app) == {"delivered": waiting}
    assert app.sandbox().count() == (waiting, waiting)


def test_a_text_that_cannot_be_written_fails_and_gives_everything_back(app: App) -> None:
    with app.store.database.write() as connection:
        connection.execute(sa.text("UPDATE touch SET variables = '{}' WHERE touch_no <= 10"))
    waiting = states(app)["queued"]
    with app.channels() as channels:
        done = send_due(app, channels)
    assert (done.of("failed"), done.of("accepted")) == (10, waiting - 10)
    assert states(app) == {"failed": 10, "delivered": waiting - 10}
    with app.store.database.read() as connection:
        details = set(connection.scalars(sa.text("SELECT detail FROM outbox WHERE state = 'failed'")))
    assert len(details) == 1
    assert "brand.name" in details.pop()
    assert [check for check in app.store.checks.all(app.zone, app.clock.now()) if check.breaks] == []


def test_a_group_whose_channel_broke_down_is_unknown_and_the_rest_goes_out(app: App) -> None:
    waiting = states(app)["queued"]
    with app.channels() as channels:
        done = send_due(app, [Broken(channels[0])])
    assert (done.of("unknown"), done.of("accepted")) == (50, waiting - 50)
    with app.channels() as channels:
        send_due(app, channels)  # the receipts of those that did arrive settle them
    assert states(app) == {"delivered": waiting}
    assert app.sandbox().count() == (waiting, waiting)


def test_who_opts_out_is_heard_before_more_is_sent(app: App) -> None:
    query = "SELECT a.touch_no, a.customer_no, a.touch_key, b.touch_key FROM touch a JOIN touch b"
    query += " ON b.customer_no = a.customer_no AND b.touch_no > a.touch_no ORDER BY a.touch_no LIMIT 1"
    with app.store.database.read() as connection:
        place, customer, first, second = connection.execute(sa.text(query)).one()
    with app.channels() as channels:
        around = Around(channels[0])
        around.sheet = replace(around.sheet, group_size=place)
        send_due(app, [around], stopped=lambda: around.groups == 1)
        app.sandbox().play([first], "complained", app.clock.now())
        send_due(app, [around])
    arrived = {message.key for message in app.sandbox().messages(10_000)}
    assert first in arrived
    assert second not in arrived
    assert states(app)["failed"] == len(app.store.touches.of(customer)) - 1


def test_a_stop_ends_after_the_group_and_gives_the_rest_back(app: App) -> None:
    waiting = states(app)["queued"]
    with app.channels() as channels:
        around = Around(channels[0])
        done = send_due(app, [around], stopped=lambda: around.groups == 2)
        assert done.of("accepted") == 100
        left = states(app)
        assert (left.get("leased", 0), left["queued"]) == (0, waiting - 100)
        assert send_due(app, [around]).of("accepted") == waiting - 100


def test_the_servers_loop_sends_and_stops(app: App) -> None:
    waiting = states(app)["queued"]
    loop = SendLoop(app)
    loop.start()
    for _ in range(600):
        if states(app).get("queued", 0) + states(app).get("leased", 0) == 0:
            break
        loop._stopping.wait(0.05)
    loop.stop()
    assert loop.last_error is None
    assert app.sandbox().count() == (waiting, waiting)


class Stopped(Around):
    """The process stands still between the intent and the first group."""

    def __init__(self, inner: Channel, clock: list[float]) -> None:
        super().__init__(inner)
        self.clock = clock

    def send(
        self, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn = always
    ) -> list[SendResult]:
        if not self.groups:
            self.clock[0] += 300
        return super().send(messages, now, may_go_on)


def test_a_sender_that_stood_still_after_the_intent_hands_nothing_over(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not begun in time goes back, costs no attempt, and is looked at anew."""
    clock = [0.0]
    monkeypatch.setattr(App, "elapsed_s", lambda _self: clock[0])
    waiting = states(app)["queued"]
    with app.channels() as channels:
        done = send_due(app, [Stopped(channels[0], clock)])
    assert done.of("withheld") == 50
    assert done.of("accepted") == waiting
    assert states(app) == {"delivered": waiting}
    assert app.sandbox().count() == (waiting, waiting)


def test_unknown_touches_of_the_sandbox_settle_themselves(app: App) -> None:
    """A35: after a crash, by what is in its inbox."""
    waiting = states(app)["queued"]
    with app.channels() as channels:
        send_due(app, channels)
        with app.store.database.write() as connection:
            connection.execute(sa.text("UPDATE outbox SET state = 'unknown' WHERE touch_no <= 5"))
            connection.execute(sa.text("DELETE FROM touch_event WHERE touch_no <= 5"))
        send_due(app, channels)
    assert states(app) == {"accepted": 5, "delivered": waiting - 5}


def apply_settings(app: App, **changes: Any) -> None:
    """Apply `koipond.yaml` with ``changes``, as another process would."""
    found = next(one for one in app.store.definitions.current() if one.kind == "workspace")
    body = {**found.body, **changes}
    printed = fingerprint({"kind": "workspace", "key": found.key, "body": body})
    change = DefinitionChange(
        kind="workspace", key=found.key, was=found.version, fingerprint=printed, body=body
    )
    app.store.definitions.apply([change], author="t", now=app.clock.now())


@pytest.mark.parametrize("what", ["quiet hours", "quota"])
def test_what_is_applied_during_a_send_holds_from_the_next_group(app: App, what: str) -> None:
    """D3: `send` obeyed until its end what had been applied when it began."""
    waiting = states(app)["queued"]
    hour = app.clock.now().astimezone(app.zone).hour
    quiet = {"start_hour": hour, "end_hour": (hour + 2) % 24}
    shut = {
        "quiet hours": {"defaults": {"contact_policy": {"quiet": quiet}}},
        "quota": {"channels": {"sandbox": {"quota_per_day": 0}}},
    }

    class Meanwhile(Around):
        def send(
            self, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn = always
        ) -> list[SendResult]:
            if self.groups == 0:
                apply_settings(app, **shut[what])
            return super().send(messages, now, may_go_on)

    with app.channels() as channels:
        done = send_due(app, [Meanwhile(channels[0])])
    assert done.of("accepted") == 50
    left = "queued" if what == "quiet hours" else "failed"  # a quota of none never has room
    assert states(app) == {"delivered": 50, left: waiting - 50}
    assert [check for check in app.store.checks.all(app.zone, app.clock.now()) if check.breaks] == []
