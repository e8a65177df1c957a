"""What went out after a backup is not sent again when the backup is brought back, also after `resume`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from koipond.bootstrap import open_app
from koipond.store.tables import offer_code, outbox, plan, touch
from tests.e2e.conftest import Koipond
from tests.e2e.test_backups import approve_a_plan, dropped_schemas


@pytest.fixture
def folder(koipond: Koipond, init_options: tuple[str, ...], orders_csv: Path) -> Iterator[Path]:
    """A workspace with a plan that is approved and not sent."""
    approve_a_plan(koipond, orders_csv, *init_options)
    drop = dropped_schemas(orders_csv.parent / "brand")
    yield orders_csv.parent / "brand"
    drop()


def gone(folder: Path) -> dict[str, tuple[str, object]]:
    """Return touch key → state and code of what does not wait."""
    query = (
        sa.select(touch.c.touch_key, outbox.c.state, offer_code.c.code)
        .join(outbox, outbox.c.touch_no == touch.c.touch_no)
        .outerjoin(offer_code, offer_code.c.code_no == touch.c.code_no)
        .where(outbox.c.state.not_in(("queued", "leased")))
    )
    with open_app(folder) as app, app.store.database.read() as connection:
        return {key: (state, code) for key, state, code in connection.execute(query)}


def scopes(folder: Path) -> list[str]:
    with open_app(folder) as app:
        return [one.scope for one in app.store.pauses.all()]


def test_a_plan_that_was_sent_after_the_backup_is_not_sent_again(
    koipond: Koipond, folder: Path, tmp_path: Path
) -> None:
    assert koipond("backup", tmp_path / "b")[0] == 0
    assert koipond("send", "latest")[0] == 0
    sent = gone(folder)
    assert len(sent) > 1
    code, answer = koipond("restore", tmp_path / "b", "--replace")
    assert (code, answer["touches_kept"], answer["paused"]) == (0, len(sent), True), answer
    assert scopes(folder) == ["all"]
    assert gone(folder) == sent
    assert koipond("verify")[1]["breaks"] == 0
    assert koipond("resume", "all", "--by", "anna")[0] == 0
    for words in (("send", "latest"), ("refresh",), ("plan",), ("approve", "latest", "--by", "anna")):
        code, answer = koipond(*words)
        assert code == 0, answer
    koipond("send", "latest")
    assert gone(folder) == sent
    assert koipond("inbox")[1]["messages"] == 0, "nobody was written to twice"
    assert koipond("verify")[1]["breaks"] == 0


def test_touches_that_waited_in_the_backup_and_went_since_have_gone(
    koipond: Koipond, folder: Path, tmp_path: Path
) -> None:
    """Some went, one was under way, one ended: the copy holds all of them as waiting."""
    assert koipond("send", "latest")[0] == 0
    sent = gone(folder)
    went, under_way, ended = sorted(sent)[:3]
    with open_app(folder) as app, app.store.database.write() as connection:
        connection.execute(sa.update(outbox).values(state="queued", sent_s=None, heard_seq=None))
    assert koipond("backup", tmp_path / "b")[0] == 0
    with open_app(folder) as app, app.store.database.write() as connection:
        for key, state in ((went, "accepted"), (under_way, "sending"), (ended, "failed")):
            mine = sa.select(touch.c.touch_no).where(touch.c.touch_key == key).scalar_subquery()
            change = sa.update(outbox).where(outbox.c.touch_no == mine)
            connection.execute(
                change.values(state=state, sent_s=None if state == "failed" else 1_774_000_000)
            )
    code, answer = koipond("restore", tmp_path / "b", "--replace")
    assert (code, answer["touches_kept"], answer["paused"]) == (0, 2, True), answer
    found = {key: state for key, (state, _) in gone(folder).items()}
    assert found == {went: "accepted", under_way: "unknown", ended: "failed"}
    broken = {one["name"] for one in koipond("verify")[1]["checks"] if one["status"] == "broken"}
    assert not broken & {"budgets", "codes", "duplicates"}


@pytest.mark.parametrize("status", ["draft", "approved"])
def test_a_plan_that_may_have_been_sent_holds_everything_back_when_nobody_can_be_asked(
    koipond: Koipond, folder: Path, tmp_path: Path, status: str
) -> None:
    """The present store is lost: whether the plan was sent after the backup cannot be known."""
    with open_app(folder) as app, app.store.database.write() as connection:
        connection.execute(sa.update(plan).values(status=status))
    assert koipond("backup", tmp_path / "b")[0] == 0
    with open_app(folder) as app, app.store.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE touch_event")
    code, answer = koipond("restore", tmp_path / "b", "--replace")
    assert (code, answer["touches_kept"], answer["paused"]) == (0, 0, True), answer
    assert scopes(folder) == ["all"]
