"""Queries of the send loop stay on their indexes, however full the outbox is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from koipond.outreach.ports import ChannelSheet
from koipond.store import Store

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.fixture
def full(store: Store) -> Store:
    """A store with 20,000 touches that went out long ago and a few that wait."""
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
    state = "CASE WHEN i > 19990 THEN 'queued' ELSE 'accepted' END"
    names = "customer_no, customer_uid, created_s"
    people = f"INSERT INTO customer ({names}) {rows} SELECT i, 'u' || i, 0 FROM n"
    touch = (
        "INSERT INTO touch (touch_no, touch_key, customer_no, strategy, strategy_version, play, occurrence,"
        " variant, channel, purpose, content, plan, salt, global_round, cost_fen, offer_cost_fen, shares,"
        f" caps, template, template_version, language, variables, admitted_s) {rows}"
        " SELECT i, 'k' || i, i, 's', 1, 'p', 'o', '', 'sandbox', 'marketing', 'c', '', '', '', 0, 0, '{}',"
        " '[]', '', 1, 'zh', '{}', 0 FROM n"
    )
    outbox = (
        f"INSERT INTO outbox (touch_no, channel, state, due_s, expires_s, attempts, detail) {rows}"
        f" SELECT i, 'sandbox', {state}, i, 9999999999, 0, '' FROM n"
    )
    with store.database.write() as connection:
        for statement in (people, touch, outbox):
            connection.execute(sa.text(statement))
    with store.database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    return store


@pytest.fixture
def explained(full: Store) -> Iterator[list[str]]:
    """Plans of every SELECT the store runs."""
    plans: list[str] = []
    word = "EXPLAIN QUERY PLAN " if full.database.dialect == "sqlite" else "EXPLAIN "

    def explain(
        connection: sa.Connection,
        cursor: object,
        statement: str,
        parameters: object,
        context: object,
        many: bool,
    ) -> None:
        if statement.startswith("SELECT") and "outbox" in statement:
            driver = connection.connection.driver_connection
            assert driver is not None
            rows = driver.execute(word + statement, parameters).fetchall()
            plans.append("\n".join(str(row[-1]) for row in rows))

    event.listen(full.database.writer, "before_cursor_execute", explain)
    yield plans
    event.remove(full.database.writer, "before_cursor_execute", explain)


def test_a_claim_reads_only_what_is_due(full: Store, explained: list[str]) -> None:
    box = full.outbox(ZoneInfo("Asia/Shanghai"))
    claim = box.claim(ChannelSheet(channel="sandbox"), 5, NOW)
    assert [one.touch_no for one in claim.touches] == [19991, 19992, 19993, 19994, 19995]
    assert len(explained) >= 3
    for plan in explained:
        assert "SCAN outbox\n" not in plan + "\n"
        assert "Seq Scan on outbox" not in plan
