"""A workspace of an earlier release opens, refreshes, plans and sends on this one (cases U20, U21)."""

import json
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from koipond.bootstrap import open_app
from koipond.cli.app import main
from koipond.facts.ports import Query
from koipond.segments.state import PROFILE
from koipond.settings import SystemClock

RELEASES = Path(__file__).parent / "releases"


class Upgraded:
    """A workspace made by an earlier release, used through this one's commands."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str) -> dict[str, Any]:
        self._capsys.readouterr()
        code = main(["-C", str(self.folder / "w"), *arguments, "--json"])
        out, err = self._capsys.readouterr()
        assert code == 0, err
        said: dict[str, Any] = json.loads(out)
        return said

    def before(self, what: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads((self.folder / f"{what}.json").read_text())
        return said


@pytest.fixture(params=sorted(RELEASES.glob("*.tar.xz")), ids=lambda path: path.name.partition(".")[0])
def upgraded(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Upgraded:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "cfg"))
    return Upgraded(tmp_path, capsys)


def layers(said: dict[str, Any]) -> dict[str, Any]:
    names = ("customers", "buyers", "rfm", "lifecycle", "aipl", "grade", "held_grade")
    return {name: said[name] for name in names}


def test_what_it_said_of_people_it_says_again(upgraded: Upgraded) -> None:
    before = layers(upgraded.before("layers"))
    assert layers(upgraded("layers")) == before
    moved = upgraded("refresh")
    assert not any(moved["movements"].values()), "an upgrade alone moves nobody"
    upgraded("refresh", "--full")
    assert layers(upgraded("layers")) == before
    members = {one["segment"]: one["count"] for one in upgraded("segments", "list")["segments"]}
    assert members == {one["segment"]: one["count"] for one in upgraded.before("segments")["segments"]}


def test_nothing_is_broken_and_nobody_is_reached_twice(
    upgraded: Upgraded, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert upgraded("verify")["breaks"] == 0
    now = SystemClock.now  # the workspace's morning has begun; what waits is due some seconds into it
    monkeypatch.setattr(SystemClock, "now", lambda clock: now(clock) + timedelta(minutes=1))
    sent = upgraded("send", "latest")
    assert sent["sent"] == 1, "what was approved and waited goes"
    assert upgraded("send", "latest")["sent"] == 0
    again = upgraded("plan")
    assert again["touches"] == 0, "everybody of the day was reached by the earlier release"
    with open_app(upgraded.folder / "w") as app, app.warehouse.read() as reader:
        rows = reader.frame(reader.table("candidates").select("plan", "policy")).to_pylist()
    told = {row["plan"]: row["policy"] is not None for row in rows}
    assert told.pop(again["plan"])
    assert told
    assert not any(told.values()), "its candidates stand beside ours, without what it did not write"
    arrived = [one["key"] for one in upgraded("inbox")["shown"]]
    assert len(arrived) == len(set(arrived)) == 13
    assert upgraded("verify")["breaks"] == 0


def test_new_facts_go_on_from_the_old(upgraded: Upgraded, tmp_path: Path) -> None:
    more = tmp_path / "later.csv"
    more.write_text(
        "订单编号,手机号,下单时间,实付金额,订单状态\nC1,13800000044,2026-11-02 10:00,50.00,已完成\n"
    )
    imported = upgraded("import", "orders", str(more))
    file = imported["files"][0]
    assert (file["notes"]["customers_new"], file["changes"]["orders_new"]) == (0, 1), "keys still fit"
    refreshed = upgraded("refresh")
    assert refreshed["as_of"] == "2026-11-02"
    moved = refreshed["movements"]
    assert moved["facts"] > 0
    assert moved["definition"] + moved["correction"] == 0
    assert upgraded("verify")["breaks"] == 0


def test_a_profile_without_columns_of_this_release(upgraded: Upgraded) -> None:
    """U20: the columns that the earlier release did not write are computed, and move nobody."""
    before = layers(upgraded.before("layers"))
    upgraded("refresh")
    with open_app(upgraded.folder / "w") as app, app.warehouse.write("test") as writer:
        profile = writer.table(PROFILE)
        writer.replace(PROFILE, Query(key="older", build=lambda _: profile.drop("grade", "m_score", "due")))
        writer.publish()
    assert layers(upgraded("layers")) == before
    assert upgraded("segments", "count", "grade = core")["count"] == before["grade"]["core"]
    refreshed = upgraded("refresh")
    assert (refreshed["reason"], refreshed["refreshed"]) == ("definition", 62)
    assert not any(refreshed["movements"].values())
    assert layers(upgraded("layers")) == before
    assert upgraded("segments", "count", "grade = core")["count"] == before["grade"]["core"]
