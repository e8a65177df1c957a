"""BAR-R1 in short: ten kills a store, to the sandbox and to a real SMTP server."""

import os
from pathlib import Path

import pytest

from tests.crash import scene
from tests.crash.ordeal import ordeal

KILLS = int(os.environ.get("KOIPOND_CRASH_KILLS", "5"))


@pytest.mark.slow
@pytest.mark.parametrize("channel", ["sandbox", "email"])
def test_a_killed_sender_loses_nothing_and_sends_nothing_twice(
    channel: str, store_kind: str, store_variable: str | None, workspace_key: str, tmp_path: Path
) -> None:
    folder = tmp_path / "brand"
    scene.prepare(folder, lives=KILLS + 2, store=store_variable, key=workspace_key)
    found = ordeal(folder, store=store_kind, channel=channel, kills=KILLS, seed=1, environ={})
    assert found.breaks == []
    assert found.kills_while_working > 0
    assert found.touches > scene.ROUND * KILLS
    never_arrived = found.states.get("failed", 0)  # the sandbox said so when it was asked
    assert found.messages >= found.touches - found.unknown - never_arrived
