"""What a running server says of itself: which part stopped, since when, why, what waits; once in the log."""

import logging
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from tests.crash import scene
from tests.crash.smtp import Sink

from koipond.api.server import build_server
from koipond.bootstrap import App
from koipond.worker import loop as loop_module
from koipond.worker.board import Board, plain
from koipond.worker.health import Health
from koipond.worker.loop import SendLoop
from koipond.worker.sending import send_due

Opened = Callable[..., App]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def app_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    store_variable: str | None,
    workspace_key: str,
) -> Iterator[Opened]:
    """Opens a workspace with one round of touches queued for a channel, under an environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(loop_module, "FIRST_WAIT", timedelta(milliseconds=30))
    monkeypatch.setattr(loop_module, "LONGEST_WAIT", timedelta(milliseconds=60))
    monkeypatch.setattr(loop_module, "PULSE_S", 0.05)
    opened: list[App] = []

    def opener(channel: str, **environment: str) -> App:
        for name in ("SMTP_URL", "MAIL_FROM", "MAIL_BOUNCES"):
            monkeypatch.delenv(f"KOIPOND_{name}", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(f"KOIPOND_{name}", value)
        folder = tmp_path / "brand"
        scene.prepare(folder, lives=1, store=store_variable, key=workspace_key)
        opened.append(scene.open_app(folder, machine=scene.LifeClock(0)))
        app = opened[-1]
        for asked in scene.rounds(app, channel, 0):
            app.store.gate(app.zone).admit(asked, app.clock.now(), "p1")
        return app

    yield opener
    for one in opened:
        one.store.close()


@pytest.fixture
def running() -> Iterator[Callable[[App], tuple[SendLoop, Health]]]:
    loops: list[SendLoop] = []

    def start(app: App) -> tuple[SendLoop, Health]:
        board = Board(app.machine)
        loops.append(SendLoop(app, board))
        loops[-1].start()
        return loops[-1], Health(app, board, loops[-1])

    yield start
    for one in loops:
        one.stop()


def eventually(found: Callable[[], Any], tries: int = 400) -> Any:
    """Ask until the answer is true: what another thread does takes its time."""
    pause = threading.Event()
    for _ in range(tries):
        if answer := found():
            return answer
        pause.wait(0.05)
    raise AssertionError("it never came true")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def states(app: App) -> dict[str, int]:
    return {state.value: count for state, count in app.store.outbox(app.zone).counts().items()}


def attempts(app: App) -> int:
    with app.store.database.read() as connection:
        return int(connection.execute(sa.text("SELECT coalesce(sum(attempts), 0) FROM outbox")).scalar_one())


def channel_of(health: Health, key: str = "email") -> dict[str, Any]:
    found: dict[str, Any] = health.report()["parts"]["sending"]["channels"].get(key, {"state": "none"})
    return found


def lines(caplog: pytest.LogCaptureFixture, event: str, part: str) -> list[str]:
    start = f"event={event} part={part} "
    return [r.getMessage() for r in caplog.records if start in r.getMessage() + " "]


NOWHERE = {
    "a bad port": ("smtp://127.0.0.1:99999", "not_configured"),
    "words for a port": ("smtp://127.0.0.1:mail", "not_configured"),
    "nobody listens": ("smtp://127.0.0.1:{port}", "unreachable"),
    "no such name": ("smtp://no-such-host.invalid:25", "unreachable"),
    "no scheme": ("127.0.0.1:25", "not_configured"),
}


@pytest.mark.parametrize("how", sorted(NOWHERE))
def test_mail_that_cannot_go_is_said_once_and_waits_with_its_attempts(
    app_of: Opened, running: Any, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """A31: `/health`, the log and the home page say so; 0 of the attempts are gone."""
    url, reason = NOWHERE[how]
    app = app_of("email", SMTP_URL=url.format(port=free_port()), MAIL_FROM="hello@brand.example")
    waiting = states(app)["queued"]
    with caplog.at_level(logging.WARNING, "koipond"):
        _, health = running(app)
        eventually(lambda: channel_of(health)["state"] == "stopped")
        eventually(lambda: health.board.get("sending"))
        for _ in range(5):
            health.report()
        report = health.report()
    mail = report["parts"]["sending"]["channels"]["email"]
    assert report["status"] == "degraded"
    assert report["parts"]["sending"]["state"] == "stopped"
    assert (mail["state"], mail["reason"], mail["waiting"]) == ("stopped", reason, waiting)
    assert mail["since"]
    assert mail["why"]
    assert report["parts"]["sending"]["waiting"] == {"email": waiting}
    assert (states(app), attempts(app)) == ({"queued": waiting}, 0)
    assert len(lines(caplog, "stopped", "sending.email")) == 1


def test_a_server_that_comes_back_gets_every_mail_once(
    app_of: Opened, running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A31's kin: stopped once, works again once, with how long it lasted."""
    sink = Sink()
    app = app_of("email", SMTP_URL=sink.url, MAIL_FROM="hello@brand.example")
    waiting = states(app)["queued"]
    with caplog.at_level(logging.WARNING, "koipond"):
        loop, health = running(app)
        eventually(lambda: channel_of(health)["state"] == "stopped")
        with sink:
            eventually(lambda: states(app) == {"accepted": waiting})
            eventually(lambda: channel_of(health)["state"] == "ok")
            loop.stop()
    assert len(sink.keys) == len(set(sink.keys)) == waiting
    assert len(lines(caplog, "stopped", "sending.email")) == 1
    [again] = lines(caplog, "works_again", "sending.email")
    assert "stopped_s=" in again


def test_a_wrong_password_fails_nobody(app_of: Opened, running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A31's kin: 535 is said of us, not of a receiver; it used to fail every touch for good."""

    async def refused(_: aiosmtplib.SMTP, **__: Any) -> None:
        raise aiosmtplib.SMTPAuthenticationError(535, "5.7.8 authentication failed")

    monkeypatch.setattr(aiosmtplib.SMTP, "connect", refused)
    app = app_of("email", SMTP_URL="smtp://brand:wrong@127.0.0.1:25", MAIL_FROM="hello@brand.example")
    waiting = states(app)["queued"]
    _, health = running(app)
    eventually(lambda: channel_of(health).get("reason") == "unreachable")
    assert (states(app), attempts(app)) == ({"queued": waiting}, 0)
    assert "wrong" not in str(health.report())


def test_a_server_that_dies_between_groups_costs_one_group_its_attempt(app_of: Opened) -> None:
    sink = Sink()
    app = app_of("email", SMTP_URL=sink.url, MAIL_FROM="hello@brand.example")
    waiting = states(app)["queued"]
    with sink, app.channels() as channels:
        mail = next(one for one in channels if one.sheet.channel == "email")
        send = mail.send

        def dying(messages: Any, now: Any, may_go_on: Any) -> Any:
            if sink.keys:
                for line in mail._lines:  # type: ignore[attr-defined]
                    line._drop()
                    line._settings = _elsewhere(line._settings)
            return send(messages, now, may_go_on)

        mail.send = dying  # type: ignore[method-assign]
        done = send_due(app, [mail])
    group = mail.sheet.group_size
    assert "email" in done.down
    assert states(app) == {"accepted": group, "queued": waiting - group}
    assert attempts(app) == 2 * group


def _elsewhere(settings: Any) -> Any:
    return replace(settings, port=free_port())


def test_a_channel_that_goes_on_breaking_costs_two_groups(
    app_of: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A31's kin: a full disk under the sandbox made every touch unknown for good."""

    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    app = app_of("sandbox")
    waiting = states(app)["queued"]
    with app.channels() as channels:
        monkeypatch.setattr(type(channels[0]), "send", full)
        channels[0].sheet = replace(channels[0].sheet, group_size=10)
        done = send_due(app, channels)
    assert "No space" in done.down["sandbox"]
    assert states(app) == {"failed": 20, "queued": waiting - 20}  # the inbox, asked, has none of the twenty


def test_touches_of_a_channel_nobody_set_up_are_said_with_their_number(app_of: Opened, running: Any) -> None:
    app = app_of("email")
    _, health = running(app)
    mail = eventually(lambda: channel_of(health) if channel_of(health)["state"] == "stopped" else None)
    assert (mail["reason"], mail["waiting"]) == ("not_configured", states(app)["queued"])
    assert health.report()["status"] == "degraded"


def test_answers_that_cannot_be_read_stop_their_channel_alone(
    app_of: Opened, running: Any, tmp_path: Path
) -> None:
    """Who opted out by mail must not be written to: while nobody can read that, nothing is sent."""
    box = tmp_path / "box"
    with Sink() as sink:
        app = app_of("email", SMTP_URL=sink.url, MAIL_FROM="hello@brand.example", MAIL_BOUNCES=str(box))
        (box / "new").mkdir(parents=True)
        (box / "cur").mkdir()
        (box / "tmp").mkdir()
        (box / "new").rmdir()
        (box / "new").write_text("no folder")
        loop, health = running(app)
        report = eventually(lambda: _report_if(health, "answering", "stopped"))
        assert report["parts"]["answering"]["reason"] == "answers_unreadable"
        assert report["parts"]["sending"]["channels"]["sandbox"]["state"] == "ok"
        assert sink.keys == []
        (box / "new").unlink()
        (box / "new").mkdir()
        eventually(lambda: "queued" not in states(app))
        eventually(lambda: _report_if(health, "answering", "ok"))
        loop.stop()


def _report_if(health: Health, part: str, state: str) -> dict[str, Any] | None:
    report = health.report()
    return report if report["parts"][part]["state"] == state else None


def test_a_store_that_is_moved_away_stops_sending_and_is_down(
    app_of: Opened, running: Any, store_variable: str | None, tmp_path: Path
) -> None:
    """A process goes on writing to a file that has no name any more: what it sent would be sent again."""
    if store_variable is not None:
        pytest.skip("PostgreSQL keeps no file in the folder")
    app = app_of("sandbox")
    file = tmp_path / "brand" / ".koipond" / "store.sqlite"
    file.rename(file.with_suffix(".away"))
    loop, health = SendLoop(app, board := Board(app.machine)), Health(app, board)
    health._mark = loop._mark = _mark_of(file.with_suffix(".away"))
    loop.start()
    try:
        eventually(lambda: loop.last_error)
        page = TestClient(
            build_server(app, health=health, token="t"), base_url="http://127.0.0.1", headers=OPEN
        )
        answer = page.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "down")
        assert answer.json()["parts"]["store"]["reason"] == "store_gone"
        assert "delivered" not in states(app)
        file.with_suffix(".away").rename(file)
        eventually(lambda: "queued" not in states(app))
        eventually(lambda: page.get("/health").status_code == 200)
    finally:
        loop.stop()


OPEN = {"authorization": "Bearer t"}


def _mark_of(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_dev, found.st_ino


def test_a_store_that_does_not_answer_is_down(app_of: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of("sandbox")
    health = Health(app)
    page = TestClient(build_server(app, health=health, token="t"), base_url="http://127.0.0.1", headers=OPEN)
    assert page.get("/health").json()["parts"]["store"]["state"] == "ok"

    def lost() -> int:
        raise sa.exc.OperationalError("SELECT", {}, OSError("server closed the connection unexpectedly"))

    monkeypatch.setattr(app.store.definitions, "version", lost)
    answer = page.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert answer.json()["parts"]["store"]["reason"] == "store_unreachable"
    assert answer.json()["definition_version"] is None


def test_missing_files_of_the_warehouse_are_said(app_of: Opened, tmp_path: Path) -> None:
    from koipond.worker.refreshing import refresh_workspace

    app = app_of("sandbox")
    import_orders(app, tmp_path)
    refresh_workspace(app, None)
    health = Health(app.latest())
    assert health.report()["parts"]["warehouse"]["state"] == "ok"
    shutil.rmtree(tmp_path / "brand" / ".koipond" / "warehouse" / "touches")
    report = health.report()
    assert (report["status"], report["parts"]["warehouse"]["reason"]) == ("degraded", "warehouse_unreadable")


def import_orders(app: App, folder: Path) -> None:
    from koipond.cli.app import main

    file = folder / "orders.csv"
    file.write_text("customer_id,order_id,at,amount\na,o1,2026-01-05 10:00:00,10.00\n")
    assert main(["-C", str(app.folder), "import", "orders", str(file), "--json"]) == 0


@pytest.mark.parametrize(("days", "state"), [(0, "ok"), (1, "ok"), (2, "stopped"), (9, "stopped")])
def test_the_age_of_the_refresh_is_said(app_of: Opened, days: int, state: str, tmp_path: Path) -> None:
    from koipond.worker.refreshing import refresh_workspace

    app = app_of("sandbox")
    import_orders(app, tmp_path)
    assert Health(app.latest()).report()["parts"]["refreshing"]["reason"] == "refresh_missing"
    refresh_workspace(app, app.observation_day(None) - timedelta(days=days))
    part = Health(app.latest()).report()["parts"]["refreshing"]
    assert (part["state"], part["days_behind"]) == (state, days)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_loop_is_started_again_and_said(
    app_of: Opened, running: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    died, work = [], SendLoop._work

    def dies(self: SendLoop, *given: Any) -> None:
        if died:
            return work(self, *given)
        died.append(1)
        raise SystemExit

    app = app_of("sandbox")
    monkeypatch.setattr(SendLoop, "_work", dies)
    with caplog.at_level(logging.WARNING, "koipond"):
        loop, health = running(app)
        eventually(lambda: died and not loop._thread.is_alive())
        health.report()
        eventually(lambda: "queued" not in states(app))
    [line] = lines(caplog, "stopped", "sending")
    assert "reason=restarted" in line


def test_a_running_loop_obeys_what_another_process_applies(app_of: Opened, running: Any) -> None:
    """Quiet hours applied elsewhere hold for the loop from its next round; lifted, it sends."""
    import yaml

    from koipond.bootstrap import open_app
    from koipond.bootstrap.applying import apply_folder

    app = app_of("sandbox")
    file = app.folder / "koipond.yaml"
    body = yaml.safe_load(file.read_text())

    def apply(start: int, end: int) -> None:
        body["defaults"]["contact_policy"]["quiet"] = {"start_hour": start, "end_hour": end}
        file.write_text(yaml.safe_dump(body, allow_unicode=True))
        with open_app(app.folder) as other:
            apply_folder(other, "another process")

    apply(11, 14)  # the scene plays at noon
    loop, _ = running(app)
    eventually(lambda: loop.board.get("sending"))
    assert "delivered" not in states(app)
    with app.store.database.write() as connection:
        connection.execute(sa.text("UPDATE outbox SET due_s = 1"))
    apply(20, 9)
    eventually(lambda: "queued" not in states(app))


def test_nothing_personal_stands_in_a_line() -> None:
    said = plain("550 no mail for anna.b+x@example.org\n or +62 812-3456-7890, 13800138000", "CN")
    assert "example.org" not in said
    assert "13800138000" not in said
    assert "812" not in said
    assert "\n" not in said


def test_the_home_page_says_it_in_three_languages_and_reads_invariants_seldom(
    app_of: Opened, running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of("email")
    _, health = running(app)
    eventually(lambda: channel_of(health)["state"] == "stopped")
    reads = []
    every = app.store.checks.all

    def counted(*args: Any) -> Any:
        reads.append(1)
        return every(*args)

    monkeypatch.setattr(app.store.checks, "all", counted)
    page = TestClient(build_server(app, health=health, token="t"), base_url="http://127.0.0.1", headers=OPEN)
    said = {
        "zh": "本机没有配置该渠道",
        "en": "not set up for the channel",
        "id": "belum disiapkan untuk kanal",
    }
    for language, words in said.items():
        assert words in page.get(f"/?language={language}").text
    assert reads == [1]


def test_every_reason_has_words_in_three_languages() -> None:
    from typing import get_args

    from koipond.api.health_words import HEALTH
    from koipond.worker.board import Reason

    wanted = {f"why_{reason}" for reason in get_args(Reason) if reason}
    for words in HEALTH.values():
        assert {name for name in words if name.startswith("why_")} == wanted


def test_since_stays_while_nothing_changes() -> None:
    class Clock:
        at = scene.NOON

        def now(self) -> Any:
            return self.at

    clock = Clock()
    board = Board(clock)
    board.put("store", "stopped", "store_busy", "first words")
    clock.at += timedelta(hours=1)
    board.put("store", "stopped", "store_busy", "other words")
    part = board.get("store")
    assert part is not None
    assert (part.since, part.why) == (scene.NOON, "other words")
