"""The real data sets as fact tables, built straight from the files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from koipond.testing.columns import fact_columns, open_warehouse
from koipond.warehouse import ParquetWarehouse

Tables = dict[str, pa.Table]


def _pence(lines: pd.DataFrame) -> pd.Series:
    """Quantity × price rounded half-up per line; prices have at most three decimals."""
    thousandths = np.round(lines.unit_price * 1000).astype("int64") * lines.quantity.abs().astype("int64")
    return (thousandths + 5) // 10


def _days(instants: pd.Series) -> pd.Series:
    return instants.astype("datetime64[s]").astype("int64") // 86_400


def _facts(orders: pd.DataFrame, refunds: pd.DataFrame | None = None) -> Tables:
    """Orders and unlinked refunds (customer, day, fen) → fact tables; numbers follow the sorted ids."""
    people = pd.concat([orders.customer] + ([] if refunds is None else [refunds.customer]))
    number = {customer: i for i, customer in enumerate(sorted(people.unique()))}
    tables = {
        "customers": fact_columns("customers", {"customer_no": list(number.values())}),
        "orders": fact_columns(
            "orders",
            {
                "order_id": [str(i) for i in range(len(orders))],
                "customer_no": orders.customer.map(number).to_numpy(),
                "day": orders.day.to_numpy(),
                "net_fen": orders.fen.to_numpy(),
            },
        ),
    }
    if refunds is not None:
        columns = {"customer_no": refunds.customer.map(number), "day": refunds.day, "amount_fen": refunds.fen}
        tables["refunds"] = fact_columns("refunds", {name: c.to_numpy() for name, c in columns.items()})
    return tables


@pytest.fixture(scope="session")
def retail_lines(shared_data: Path) -> pd.DataFrame:
    """Online Retail 2010-11: the lines with a customer; adds customer, at, day, fen (without sign)."""
    lines = pd.read_parquet(shared_data / "online_retail_2010_2011.parquet")
    lines = lines[lines.customer_id.notna()]
    return lines.assign(
        customer=lines.customer_id.astype(int),
        at=lines.invoice_ts,
        day=_days(lines.invoice_ts),
        fen=_pence(lines),
    )


@pytest.fixture(scope="session")
def retail_orders(retail_lines: pd.DataFrame) -> pd.DataFrame:
    """One row an invoice with positive quantities, zero prices kept."""
    sold = retail_lines[retail_lines.quantity > 0]
    return _orders(sold)


def _orders(lines: pd.DataFrame) -> pd.DataFrame:
    by = lines.groupby("invoice")
    return by.agg(customer=("customer", "first"), day=("day", "min"), fen=("fen", "sum")).reset_index()


@pytest.fixture(scope="session")
def retail(retail_lines: pd.DataFrame, retail_orders: pd.DataFrame) -> Tables:
    """Online Retail 2010-11, all rows with a customer, returns as unlinked refunds."""
    return _facts(retail_orders, retail_lines[retail_lines.quantity < 0])


@pytest.fixture(scope="session")
def retail_positive(retail_lines: pd.DataFrame) -> Tables:
    """Online Retail 2010-11, returns and prices ≤ 0 dropped."""
    lines = retail_lines[(retail_lines.quantity > 0) & (retail_lines.unit_price > 0)]
    return _facts(_orders(lines))


@pytest.fixture(scope="session")
def both_sheets(shared_data: Path, retail_lines: pd.DataFrame) -> Tables:
    """Both sheets, the second from 2010-12-10, returns and prices ≤ 0 dropped."""
    first = pd.read_parquet(shared_data / "online_retail_2009_2010.parquet")
    first = first[first.customer_id.notna()]
    first = first.assign(
        customer=first.customer_id.astype(int), day=_days(first.invoice_ts), fen=_pence(first)
    )
    second = retail_lines[retail_lines.invoice_ts >= "2010-12-10"]
    lines = pd.concat([first, second])
    return _facts(_orders(lines[(lines.quantity > 0) & (lines.unit_price > 0)]))


@pytest.fixture(scope="session")
def cdnow_rows(shared_data: Path) -> pd.DataFrame:
    """CDNOW master: customer, day, fen, one row a customer and day."""
    rows = pd.read_csv(shared_data / "cdnow_master.csv.gz")
    rows = rows.assign(
        customer=rows.customer_id,
        day=_days(pd.to_datetime(rows.date)),
        fen=np.round(rows.amount * 100).astype("int64"),
    )
    return rows.groupby(["customer", "day"]).fen.sum().reset_index()


@pytest.fixture(scope="session")
def cdnow(cdnow_rows: pd.DataFrame) -> Tables:
    """CDNOW master, one order per customer and day."""
    return _facts(cdnow_rows)


@pytest.fixture(scope="session")
def ecom(shared_data: Path) -> Tables:
    """The synthetic shop log: events only; days as written in the file."""
    log = pd.read_csv(shared_data / "ecom_events.csv.gz")
    number = {user: i for i, user in enumerate(sorted(log.user_id.unique()))}
    return {
        "customers": fact_columns("customers", {"customer_no": list(number.values())}),
        "events": fact_columns(
            "events",
            {
                "customer_no": log.user_id.map(number).to_numpy(),
                "name": log.event.tolist(),
                "day": _days(pd.to_datetime(log.timestamp, format="ISO8601")).to_numpy(),
            },
        ),
    }


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Tables], ParquetWarehouse]:
    """Publish fact tables and hand the warehouse back; each set once a session."""
    made: dict[int, ParquetWarehouse] = {}

    def open_once(tables: Tables) -> ParquetWarehouse:
        if id(tables) not in made:
            made[id(tables)] = open_warehouse(tmp_path_factory.mktemp("golden") / "w", tables)
        return made[id(tables)]

    return open_once
