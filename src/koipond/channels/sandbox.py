"""The sandbox (沙箱渠道): an inbox to look at. Durable and apart from the store, as a provider would be.

Every message handed over is kept, also one handed over twice, so that a test can count. It plays receipts,
clicks, replies and opt-outs when it is told to.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from koipond.channels.sheets import SANDBOX
from koipond.kernel import InputError, joined
from koipond.kernel.private_files import make_private
from koipond.outreach.ports import (
    ChannelSheet,
    MayGoOn,
    Message,
    Response,
    ResponseKind,
    SendResult,
    always,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
  seq INTEGER PRIMARY KEY, key TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL,
  language TEXT NOT NULL, accepted_s INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS message_key ON message (key);
CREATE TABLE IF NOT EXISTS answer (
  seq INTEGER PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL, at_s INTEGER NOT NULL,
  told INTEGER NOT NULL DEFAULT 0);
"""
COLLECTED_MAX = 10_000
LATE = "its time was over before it was handed over"


_SEQ_MAX = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxMessage:
    """One message as it arrived."""

    seq: int
    key: str
    subject: str
    text: str
    html: str
    language: str
    accepted_at: datetime


class SandboxChannel:
    """The sandbox kept in ``file`` (port `koipond.outreach.ports.Channel`); None keeps it in memory."""

    def __init__(self, file: Path | None, sheet: ChannelSheet = SANDBOX) -> None:
        self.sheet = sheet
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            make_private(file)
        self._db = sqlite3.connect(
            ":memory:" if file is None else file, timeout=30, isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode=WAL").fetchall()
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self._told: list[int] = []

    def send(
        self, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn = always
    ) -> list[SendResult]:
        """Accept ``messages``, all in one go; they are on disk when this returns."""
        at_s = int(now.timestamp())
        rows = [(m.key, m.subject, m.text, m.html, m.language, at_s) for m in messages]
        with self._transaction():
            if not may_go_on():
                return [SendResult(key=m.key, outcome="withheld", detail=LATE) for m in messages]
            self._db.executemany(
                "INSERT INTO message (key, subject, text, html, language, accepted_s) VALUES (?,?,?,?,?,?)",
                rows,
            )
            self._db.executemany(
                "INSERT INTO answer (key, kind, at_s) VALUES (?, 'delivered', ?)",
                [(m.key, at_s) for m in messages],
            )
        return [SendResult(key=m.key, outcome="accepted") for m in messages]

    def query(self, keys: Sequence[str]) -> Mapping[str, bool]:
        """Return touch key → whether its message is in the inbox."""
        asked = json.dumps(list(keys))
        query = "SELECT DISTINCT key FROM message WHERE key IN (SELECT value FROM json_each(?))"
        found = {key for (key,) in self._db.execute(query, (asked,))}
        return {key: key in found for key in keys}

    def play(self, keys: Sequence[str], kind: ResponseKind, at: datetime) -> None:
        """Let the receivers of ``keys`` answer; raise InputError for a key that never arrived."""
        known = {
            key for key in keys if self._db.execute("SELECT 1 FROM message WHERE key = ?", (key,)).fetchall()
        }
        if strangers := sorted(set(keys) - known):
            raise InputError(
                "the sandbox never got {strangers}; see: koipond inbox", strangers=joined(", ", strangers[:5])
            )
        with self._transaction():
            rows = [(key, kind, int(at.timestamp())) for key in keys]
            self._db.executemany("INSERT INTO answer (key, kind, at_s) VALUES (?, ?, ?)", rows)

    def collect(self, now: datetime) -> Sequence[Response]:
        """Return the answers that are due and were not told yet, at most 10,000.

        They count as told when the caller comes back for more: had it died before it recorded them, they
        would be told again.
        """
        with self._transaction():
            self._db.executemany("UPDATE answer SET told = 1 WHERE seq = ?", [(seq,) for seq in self._told])
            rows = self._db.execute(
                "SELECT seq, key, kind, at_s FROM answer WHERE told = 0 AND at_s <= ? ORDER BY seq LIMIT ?",
                (int(now.timestamp()), COLLECTED_MAX),
            ).fetchall()
        self._told = [row[0] for row in rows]
        return [
            Response(touch_key=key, kind=kind, at=datetime.fromtimestamp(at_s, UTC))
            for _, key, kind, at_s in rows
        ]

    def messages(
        self, limit: int, after: int = 0, until: datetime | None = None, before: int | None = None
    ) -> list[InboxMessage]:
        """Return at most ``limit`` messages, the newest first.

        ``after``, ``before``: only those with a later, an earlier number; ``until``: accepted by then.
        """
        rows = self._db.execute(
            "SELECT seq, key, subject, text, html, language, accepted_s FROM message"
            " WHERE seq > ? AND seq < ? AND accepted_s <= ? ORDER BY seq DESC LIMIT ?",
            (after, _SEQ_MAX if before is None else before, _seconds(until), limit),
        ).fetchall()
        return [
            InboxMessage(
                seq=seq,
                key=key,
                subject=subject,
                text=text,
                html=html,
                language=language,
                accepted_at=datetime.fromtimestamp(at_s, UTC),
            )
            for seq, key, subject, text, html, language, at_s in rows
        ]

    def count(self, until: datetime | None = None) -> tuple[int, int]:
        """Return how many messages arrived (``until`` then), and how many different keys they bear."""
        query = "SELECT count(*), count(DISTINCT key) FROM message WHERE accepted_s <= ?"
        found = self._db.execute(query, (_seconds(until),)).fetchall()
        return int(found[0][0]), int(found[0][1])

    def forget(self, keys: Sequence[str]) -> int:
        """Remove every message and answer under ``keys``; return how many messages."""
        with self._transaction():
            rows = [(key,) for key in keys]
            gone = self._db.executemany("DELETE FROM message WHERE key = ?", rows).rowcount
            self._db.executemany("DELETE FROM answer WHERE key = ?", rows)
        return max(gone, 0)

    def close(self) -> None:
        """Close the inbox."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _seconds(until: datetime | None) -> int:
    return 2**62 if until is None else int(until.timestamp())
