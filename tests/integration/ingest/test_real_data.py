"""The real data sets, each total computed a second time by plain SQL on the file itself."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from koipond.testing.memory import MemoryWorkspace

pytestmark = pytest.mark.shared_data


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path, zone_name="Europe/London", currency="GBP")


def sql(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def facts(space: MemoryWorkspace, query: str) -> list[tuple[Any, ...]]:
    """Run ``query`` on the published files; {orders} stands for the files of that dataset."""
    names = ("orders", "order_lines", "refunds", "customers", "events", "traits", "products", "touches")
    return sql(query.format(**{name: f"'{space.warehouse.root}/{name}/*.parquet'" for name in names}))


def test_online_retail_with_its_four_maps(space: MemoryWorkspace, shared_data: Path) -> None:
    file = shared_data / "online_retail_2010_2011.parquet"
    maps = {
        "customer_id": "customer_id",
        "order_id": "invoice",
        "at": "invoice_ts",
        "sku": "stock_code",
    }
    result = space.load("orders", file, maps, keep_repeated=True)  # as the published counts do
    assert (result.read, result.kept) == (541_909, 406_829)
    assert result.quarantined == {"missing_customer": 135_080}
    # the sum before rounding is 8,911,407.904: science A1
    [(exact, rounded, lines, returns, refunded, zero)] = sql(f"""
        select sum(q * p) filter (q > 0),
               sum(floor(abs(q * p) * 100 + 0.5)) filter (q > 0), count(*) filter (q > 0),
               count(*) filter (q < 0), sum(floor(abs(q * p) * 100 + 0.5)) filter (q < 0),
               count(*) filter (q > 0 and floor(q * p * 100 + 0.5) = 0)
        from (select quantity::decimal(18,0) as q, unit_price::varchar::decimal(18,4) as p, customer_id as c
              from '{file}') where c is not null""")
    assert str(exact) == "8911407.9040"
    assert facts(space, "select sum(amount_fen), count(*) from {order_lines}") == [(rounded, lines)]
    assert facts(space, "select sum(amount_fen), count(*) from {refunds}") == [(refunded, returns)]
    linked = "select count(*) from {refunds} semi join {orders} using (order_id)"
    assert facts(space, linked) == [(0,)], "a credit note has a number of its own"
    assert result.notes["refunds_without_sale"] == returns
    assert facts(space, "select count(*) from {order_lines} where amount_fen = 0") == [(zero,)]
    assert facts(space, "select count(distinct customer_no) from {orders} where net_fen > 0") == [(4_338,)]
    assert facts(space, "select count(*) from {customers}") == [(4_372,)]
    assert facts(space, "select count(*), sum(net_fen), sum(line_count) from {orders}") == [
        (18_536, rounded, lines)
    ]
    assert sql(f"select count(*) from '{file}' where invoice is null and customer_id is not null") == facts(
        space, "select count(*) from {refunds} where refund_id like 'c:%'"
    )


def test_online_retail_again_changes_nothing(space: MemoryWorkspace, shared_data: Path) -> None:
    file = shared_data / "online_retail_2010_2011.parquet"
    first = space.load("orders", file)
    again = space.load("orders", file)
    assert again.repeated
    assert again.version == first.version
    assert (again.read, again.kept, again.quarantined) == (first.read, first.kept, first.quarantined)
    assert space.undo(first.import_no)["orders_removed"] == 18_536
    assert [space.rows(name) for name in ("orders", "refunds", "customers")] == [[], [], []]


def test_complete_journey_baskets(tmp_path: Path, shared_data: Path) -> None:
    space = MemoryWorkspace(tmp_path, zone_name="America/New_York", currency="USD")
    file = shared_data / "cj_transactions.parquet"
    result = space.load("orders", file)
    assert result.mapping == {
        "customer_id": "household_id",
        "order_id": "basket_id",
        "at": "transaction_timestamp",
        "amount": "sales_value",
        "quantity": "quantity",
        "sku": "product_id",
        "store": "store_id",
    }
    assert (result.read, result.kept, result.quarantined) == (730_597, 730_597, {})
    expected = sql(f"""
        select count(distinct basket_id), count(distinct household_id), count(*),
               sum(floor(sales_value::varchar::decimal(18,4) * 100 + 0.5)::bigint), sum(quantity) * 1000
        from '{file}'""")
    assert facts(
        space,
        """select count(distinct order_no), count(distinct customer_no), count(*), sum(amount_fen),
                  sum(quantity_milli) from {order_lines}""",
    ) == [tuple(expected[0])]
    days = sql(f"select count(distinct (household_id, transaction_timestamp::date)) from '{file}'")
    by_basket = sql(f"""select count(distinct (h, d)) from (
        select min(household_id) h, min(transaction_timestamp)::date d from '{file}' group by basket_id)""")
    assert facts(space, "select count(distinct (customer_no, day)) from {orders}") == by_basket
    assert by_basket[0][0] <= days[0][0]


def test_complete_journey_products_demographics_and_mailings(tmp_path: Path, shared_data: Path) -> None:
    space = MemoryWorkspace(tmp_path, zone_name="America/New_York", currency="USD")
    space.load("orders", shared_data / "cj_transactions.parquet")
    products = space.load("products", shared_data / "cj_products.parquet")
    assert (products.read, products.kept) == (92_331, 92_331)
    assert facts(space, "select count(*), count(distinct category) from {products}") == sql(
        f"select count(*), count(distinct product_category) from '{shared_data}/cj_products.parquet'"
    )
    people = space.load("customers", shared_data / "cj_demographics.parquet")
    assert (people.read, people.notes["customers_new"], people.notes["traits_dropped"]) == (394, 0, 0)
    assert facts(
        space, "select name, count(*), count(distinct text_value) from {traits} group by name order by name"
    ) == sql(f"""
        select name, count(*), count(distinct value) from (
          unpivot (select * exclude (household_id) from '{shared_data}/cj_demographics.parquet')
          on * into name name value value) group by name order by name""")
    mailings = tmp_path / "mailings.parquet"
    sql(f"""copy (select household_id, campaign_id as campaign, start_date as sent_at, 'email' as channel
        from '{shared_data}/cj_campaigns.parquet'
        join '{shared_data}/cj_campaign_descriptions.parquet' using (campaign_id)) to '{mailings}'""")
    touches = space.load("touches", mailings)
    assert (touches.read, touches.kept, touches.changes) == (3_184, 3_184, {"touches_new": 3_184})
    assert space.load("touches", mailings).repeated
    assert len(space.touches.rows) == 3_184


def test_cdnow_with_one_order_a_customer_and_day(tmp_path: Path, shared_data: Path) -> None:
    space = MemoryWorkspace(tmp_path, zone_name="America/New_York", currency="USD")
    file = shared_data / "cdnow_master.csv.gz"
    result = space.load("orders", file, {"order_id": "customer_id+date"})
    assert (result.read, result.kept) == (69_659, 69_659)
    assert facts(space, "select sum(amount_fen), sum(quantity_milli), count(*) from {order_lines}") == [
        (250_031_563, 167_881_000, 69_659)
    ]
    orders = sql(f"""
        select count(*), count(distinct customer_id), count(*) filter (total = 0) from (
          select customer_id, date, sum(amount::decimal(18,2)) as total
          from read_csv('{file}', all_varchar=true) group by all)""")
    assert facts(
        space, "select count(*), count(distinct customer_no), count(*) filter (net_fen = 0) from {orders}"
    ) == [tuple(orders[0])]
    assert facts(space, "select count(distinct customer_no) from {orders} where net_fen > 0") == [(23_502,)]
    assert facts(space, "select min(day), max(day) from {orders}") == sql(f"""
        select date_diff('day', date '1970-01-01', min(date)), date_diff('day', date '1970-01-01', max(date))
        from read_csv('{file}')""")


def test_ecom_events(tmp_path: Path, shared_data: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    file = shared_data / "ecom_events.csv.gz"
    result = space.load("events", file)
    assert (result.read, result.kept, result.notes["properties_dropped"]) == (31_106, 31_106, 0)
    assert facts(space, "select name, count(*) from {events} group by name order by name") == sql(
        f"select event, count(*) from read_csv('{file}') group by event order by event"
    )
    assert facts(
        space,
        """select properties->>'platform' as p, count(*), min(at_s), max(at_s), count(distinct customer_no)
           from {events} group by p order by p""",
    ) == sql(f"""
        select platform, count(*), epoch(min(timestamp))::bigint, epoch(max(timestamp))::bigint,
               count(distinct user_id) from read_csv('{file}') group by platform order by platform""")
    assert space.load("events", file).repeated
