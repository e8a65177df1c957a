"""How a running server stands (健康检查): store, warehouse, refreshing, sending, answering; since when, why.

Documented for monitors in docs/how-to/run-serve.md; keys and words there are stable.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from koipond.bootstrap import App
from koipond.bootstrap.following import Following
from koipond.kernel import BusyError, Message, epoch_day, from_epoch_day
from koipond.segments.state import published
from koipond.store import Check, Waiting
from koipond.worker import patience
from koipond.worker.board import Board, Part, reason_of
from koipond.worker.loop import GONE, SendLoop

PARTS = ("store", "warehouse", "refreshing", "sending", "answering")
LOOK_EVERY = timedelta(seconds=15)
LOOK_AGAIN = timedelta(seconds=1)
"""Who asks often is told what was seen last."""
CHECK_EVERY = timedelta(minutes=10)
NO_PROGRESS = timedelta(minutes=10)
REFRESH_DAYS_MAX = 1
"""Days a refresh may lie behind today: yesterday's is the newest before the night's run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The invariants as they were last looked at."""

    at: datetime
    checks: Sequence[Check]


class Health:
    """Looks after one server; `start` lets a thread look every few seconds, so that the log says it too."""

    def __init__(self, app: App, board: Board | None = None, loop: SendLoop | None = None) -> None:
        self._following = Following(app)
        self._machine = app.machine
        self.board = board or Board(app.machine, app.settings.region)
        self._loop = loop
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)
        self._began = app.machine.now()
        self._looked_at: datetime | None = None
        self._waits: dict[str, Waiting] = {}
        self._stage = ""
        self._looking = threading.Thread()
        self._checking = threading.Thread()
        self._asks = threading.Lock()
        self._look_lock = threading.Lock()
        self._checked: Checked | None = None
        self._mark = app.store_mark()

    def start(self) -> None:
        """Look in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; wait for it, and not for ever for a store that does not answer."""
        self._stopping.set()
        self._thread.join()
        for one in (self._looking, self._checking):
            if one.is_alive():
                one.join(patience.ANSWER_S)

    def report(self) -> dict[str, Any]:
        """Return the answer of `/health`: ``status`` ok, degraded or down, and each part.

        It stands on the board: a store that never answers keeps nobody waiting.
        """
        self.look_in_time(LOOK_AGAIN if self._thread.is_alive() else timedelta())
        starting = Part(state="waiting", since=self._began, reason="starting")
        parts = {name: self.board.get(name) or starting for name in PARTS}
        telling = self.board.get("telling")
        if telling is not None and telling.state == "stopped" and parts["warehouse"].state != "stopped":
            parts["warehouse"] = telling
        return {
            "status": self._status(parts),
            "parts": {name: self._shown(name, part) for name, part in parts.items()},
        }

    def checks(self) -> Checked:
        """Return the invariants as last looked at; they are read anew every `CHECK_EVERY`."""
        now = self._machine.now()
        if self._checked is None or now - self._checked.at >= CHECK_EVERY:
            app = self._following.current()
            self._checked = Checked(at=now, checks=app.store.checks.all(app.zone, app.clock.now()))
        return self._checked

    def look(self, every: timedelta = timedelta()) -> None:
        """Bring the board up to date, unless that was done less than ``every`` ago."""
        with self._look_lock:
            now = self._machine.now()
            if self._looked_at is not None and now - self._looked_at < every:
                return
            self._stage, self._waits = "store", {}
            if self._look_at_store():
                app = self._following.current()
                for name, look in (
                    ("warehouse", self._look_at_warehouse),
                    ("sending", self._look_at_sending),
                ):
                    self._stage = name
                    try:
                        look(app)
                    except Exception as error:
                        self.board.put_error(name, error)
            self._looked_at = now

    def look_in_time(self, every: timedelta = timedelta()) -> None:
        """Do `look` in a thread of its own; say that a store that does not answer in time is unreachable."""
        with self._asks:
            if not self._looking.is_alive():
                self._looking = threading.Thread(target=self._look_once, args=(every,), daemon=True)
                self._looking.start()
            looking = self._looking
        looking.join(patience.ANSWER_S)
        if looking.is_alive() and self._stage != "warehouse":
            why = Message(
                "the store takes questions and has not answered for {answer_s:g} seconds",
                answer_s=patience.ANSWER_S,
            )
            self.board.put("store", "stopped", "store_unreachable", why)

    def is_down(self) -> bool:
        """Say whether the store is known not to work, without asking it."""
        part = self.board.get("store")
        return part is not None and part.state == "stopped"

    def _look_once(self, every: timedelta) -> None:
        try:
            self.look(every)
        except Exception as error:
            self.board.put_error("store", error)

    def _check_once(self) -> None:
        try:
            self.checks()
        except Exception as error:
            self.board.put_error("store", error)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look_in_time()
            if not self.is_down() and not self._checking.is_alive():
                self._checking = threading.Thread(target=self._check_once, daemon=True)
                self._checking.start()
            self._stopping.wait(LOOK_EVERY.total_seconds())

    def _look_at_store(self) -> bool:
        """Say whether the store answers, and is the one that was opened."""
        try:
            gone = self._following.current().store_mark() != self._mark
        except Exception as error:
            self.board.put_error("store", error)
            return False
        if gone:
            self.board.put("store", "stopped", "store_gone", GONE)
            return False
        self.board.put("store", "ok")
        return True

    def _look_at_warehouse(self, app: App) -> None:
        try:
            with app.warehouse.read() as reader:
                state, facts = published(reader), reader.has("orders") or reader.has("events")
                lost = [file.name for name in reader.manifest.datasets for file in _lost(reader, name)]
        except BusyError as error:
            self.board.put("warehouse", "waiting", "warehouse_busy", str(error))
            return
        except Exception as error:
            self.board.put("warehouse", "stopped", "warehouse_unreadable", reason_of(error)[1])
            return
        if lost:
            why = Message(
                "{count} files of the warehouse are missing, such as {lost}; see: koipond doctor",
                count=len(lost),
                lost=lost[0],
            )
            self.board.put("warehouse", "stopped", "warehouse_unreadable", why)
        else:
            self.board.put("warehouse", "ok")
        self._look_at_refresh(app, None if state is None else state.as_of, facts=facts)

    def _look_at_refresh(self, app: App, as_of: int | None, *, facts: bool) -> None:
        if as_of is None and facts:
            why = Message("there are facts but no refresh yet; run: koipond refresh")
            self.board.put("refreshing", "waiting", "refresh_missing", why)
            return
        if as_of is None:
            self.board.put("refreshing", "ok")
            return
        behind = epoch_day(app.observation_day(None)) - as_of
        day = from_epoch_day(as_of).isoformat()
        if behind > REFRESH_DAYS_MAX:
            why = Message(
                "the last refresh is of {day}, {behind} days ago; run: koipond refresh",
                day=day,
                behind=behind,
            )
            self.board.put("refreshing", "stopped", "refresh_old", why, as_of=day, days_behind=behind)
        else:
            self.board.put("refreshing", "ok", as_of=day, days_behind=max(behind, 0))

    def _look_at_sending(self, app: App) -> None:
        waiting = self._waits = app.store.waiting.by_channel(app.clock.now())
        if self._loop is None:
            self.board.put("sending", "waiting", "not_sending", "started with --no-send")
            self.board.put("answering", "waiting", "not_sending", "started with --no-send")
            return
        if self._loop.revive():
            self.board.put("sending", "stopped", "restarted", "the send loop had ended; it was started again")
        elif self._machine.now() - self._loop.progress_at > NO_PROGRESS:
            why = Message("the send loop hangs: it has done nothing for ten minutes; restart the server")
            self.board.put("sending", "stopped", "no_progress", why)
        self._look_at_channels(app, waiting)

    def _look_at_channels(self, app: App, waiting: dict[str, Waiting]) -> None:
        """A channel this machine is not set up for matters as soon as touches wait for it."""
        made = app.channel_makers()
        for key, one in waiting.items():
            if key not in made:
                why = Message(
                    "touches wait for {key}, but this machine cannot send on it; see: koipond doctor", key=key
                )
                self.board.put(f"sending.{key}", "stopped", "not_configured", why, waiting=one.touches)
        self.board.drop("sending.", frozenset(f"sending.{key}" for key in (*waiting, *made)))

    def _shown(self, name: str, part: Part) -> dict[str, Any]:
        shown = part.to_dict()
        if name != "sending":
            return shown
        waiting = dict(self._waits)
        stopped = {key: one for key, one in self.board.below("sending.").items() if one.state == "stopped"}
        if part.state == "ok" and stopped:
            key, first = next(iter(stopped.items()))
            shown |= {**first.to_dict(), "state": "stopped", "why": f"{key}: {first.why}"}
        elif part.state == "ok" and any(waiting.values()):
            shown |= {"state": "waiting", "reason": "waits", "why": Message("touches wait for their hour")}
        shown["waiting"] = {key: one.touches for key, one in waiting.items()}
        shown["next_due"] = min((one.next_due for one in waiting.values()), default=None)
        if shown["next_due"] is not None:
            shown["next_due"] = shown["next_due"].isoformat()
        shown["channels"] = {key: self._channel(key, waiting.get(key)) for key in self._channels(waiting)}
        return shown

    def _channels(self, waiting: dict[str, Waiting]) -> list[str]:
        return sorted({*waiting, *self.board.below("sending.")})

    def _channel(self, key: str, waiting: Waiting | None) -> dict[str, Any]:
        part = self.board.get(f"sending.{key}")
        shown: dict[str, Any] = {"state": "ok", "since": None, "reason": None, "why": None}
        if part is not None:
            shown = part.to_dict()
        if waiting is not None and shown["state"] == "ok":
            shown |= {"state": "waiting", "reason": "waits"}
        return {
            **shown,
            "waiting": 0 if waiting is None else waiting.touches,
            "due": 0 if waiting is None else waiting.due,
            "next_due": None if waiting is None else waiting.next_due.isoformat(),
        }

    def _status(self, parts: dict[str, Part]) -> str:
        """``down``: nothing works without the store; ``degraded``: something has stopped."""
        if "store" not in parts or parts["store"].state == "stopped":
            return "down"
        every = [*parts.values(), *self.board.below("sending.").values()]
        return "degraded" if any(part.state == "stopped" for part in every) else "ok"


def _lost(reader: Any, dataset: str) -> list[Path]:
    """Return the files of ``dataset`` that are named and not there."""
    files = [reader.root / dataset / file for file in reader.manifest.datasets.get(dataset, ())]
    return [file for file in files if not file.exists()]
