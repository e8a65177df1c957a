"""Kill the sender again and again, let the last one finish, and look at what is left."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from koipond.channels.sheets import SHEETS
from koipond.kernel import hash_bucket
from tests.crash import scene
from tests.crash.smtp import Sink

ROOT = Path(__file__).resolve().parents[2]
READY_S = 120.0
FINISH_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an ordeal left. ``breaks`` must be empty."""

    store: str
    channel: str
    kills: int
    kills_while_working: int
    touches: int
    states: Mapping[str, int]
    messages: int
    unknown: int
    in_flight_max: int
    breaks: Sequence[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def ordeal(
    folder: Path, *, store: str, channel: str, kills: int, seed: int, environ: Mapping[str, str]
) -> Outcome:
    """Run ``kills`` lives that end by SIGKILL, then one that ends by itself; return what was found.

    ``environ`` holds where keys, store and SMTP server are; ``store``: sqlite or postgresql.
    """
    with Sink() as sink:
        env = {
            **os.environ,
            **environ,
            "KOIPOND_SMTP_URL": sink.url,
            "KOIPOND_MAIL_FROM": "hello@brand.example",
        }
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        chance = random.Random(seed)
        busy = sum(_live_and_die(folder, channel, life, chance, env) for life in range(kills))
        _live(folder, channel, kills, env)
        _live(folder, channel, kills + 1, env)  # its clock is past the last leases
        keys = sink.keys if channel == "email" else _inbox_keys(folder)
        return _examine(folder, store, channel, kills, busy, keys)


def _command(folder: Path, channel: str, life: int) -> list[str]:
    return [sys.executable, "-m", "tests.crash.sender", str(folder), channel, str(life)]


def _live_and_die(
    folder: Path, channel: str, life: int, chance: random.Random, env: Mapping[str, str]
) -> bool:
    """Start a life and kill it at a random moment of its work; say whether it was still working then."""
    process = subprocess.Popen(
        _command(folder, channel, life), env=dict(env), stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.0, 1.2))
        working = process.poll() is None
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=READY_S)
    return working


def _live(folder: Path, channel: str, life: int, env: Mapping[str, str]) -> None:
    command = _command(folder, channel, life)
    quiet = subprocess.DEVNULL
    subprocess.run(command, env=dict(env), check=True, timeout=FINISH_S, cwd=ROOT, stdout=quiet)


def _inbox_keys(folder: Path) -> list[str]:
    with scene.open_app(folder) as app:
        box = app.sandbox()
        found = [message.key for message in box.messages(10_000_000)]
        box.close()
    return found


def _examine(folder: Path, store: str, channel: str, kills: int, busy: int, keys: Sequence[str]) -> Outcome:
    life = kills + 2
    with scene.open_life(folder, life) as app:
        now = app.clock.now()
        broken = [
            f"{check.name}: {check.detail}" for check in app.store.checks.all(app.zone, now) if check.breaks
        ]
        with app.store.database.read() as connection:
            query = "SELECT t.touch_key, o.state, t.strategy, t.customer_no, t.cost_fen, t.offer_cost_fen, "
            query += "t.code_no, c.customer_uid FROM touch t JOIN outbox o ON o.touch_no = t.touch_no "
            query += "JOIN customer c ON c.customer_no = t.customer_no"
            rows = connection.execute(sa.text(query)).all()
            lost = "SELECT count(*) FROM touch_event WHERE kind = 'unknown' GROUP BY at_s"
            unknown_at_once = max(connection.scalars(sa.text(lost)).all(), default=0)
        gate = app.store.gate(app.zone, quiet=app.settings.policy.quiet)
        before = len(rows)
        for asked in scene.rounds(app, channel, kills + 1):
            gate.admit(asked, now, "p1")
        after = sum(app.store.outbox(app.zone).counts().values())
    states = Counter(row.state for row in rows)
    in_flight = SHEETS[channel].group_size
    broken += _message_breaks(rows, keys)
    broken += _rule_breaks(rows)
    if unknown_at_once > in_flight:
        broken.append(f"{unknown_at_once} touches unknown at once, {in_flight} were in flight")
    if states["unknown"] > in_flight * kills:
        broken.append(f"{states['unknown']} touches unknown after {kills} kills")
    if after != before:
        broken.append(f"asking again made {after - before} touches more")
    return Outcome(
        store=store,
        channel=channel,
        kills=kills,
        kills_while_working=busy,
        touches=len(rows),
        states=dict(states),
        messages=len(keys),
        unknown=states["unknown"],
        in_flight_max=in_flight,
        breaks=broken,
    )


def _message_breaks(rows: Sequence[Any], keys: Sequence[str]) -> list[str]:
    """No message twice; sent in the store = arrived outside; nothing is left half-way."""
    found = []
    arrived, state = Counter(keys), {row.touch_key: row.state for row in rows}
    found += [f"message {key} arrived {count} times" for key, count in arrived.items() if count > 1]
    found += [
        f"message {key} arrived but stands {state.get(key)}" for key in arrived if state.get(key) not in _CAME
    ]
    for row in rows:
        if row.state not in ("failed", "unknown", *_SENT):
            found.append(f"touch {row.touch_key} is left {row.state}")
        if row.state in _SENT and not arrived[row.touch_key]:
            found.append(f"touch {row.touch_key} is {row.state} but never arrived")
    return found


_SENT = ("accepted", "delivered")
_CAME = ("unknown", *_SENT)


def _rule_breaks(rows: Sequence[Any]) -> list[str]:
    """Count caps, hold-outs, budgets and codes once more, without the store's own checks."""
    found: list[str] = []
    held = round(scene.HOLDOUT_RATE * 10_000)
    found += [
        f"customer {row.customer_no} was held out of {row.strategy}"
        for row in rows
        if hash_bucket("crash", row.strategy, row.customer_uid) < held
    ]
    alive = [row for row in rows if row.state != "failed"]
    for customer, count in Counter(row.customer_no for row in alive).items():
        if count > scene.CAP.touches_max:
            found.append(f"customer {customer} has {count} touches")
    codes = [row.code_no for row in alive if row.code_no is not None]
    found += [f"code {code} went to {count}" for code, count in Counter(codes).items() if count > 1]
    turns = max((row.customer_no - 1) // scene.ROUND for row in rows) + 1
    poor = sum(row.cost_fen for row in alive if row.strategy == "poor")
    if poor > 10 * scene.ROUND * turns:
        found.append(f"strategy poor spent {poor}")
    return found
