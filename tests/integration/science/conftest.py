"""Real purchase histories for the figures of the science note."""

import csv
import datetime
import io
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest


def _cdnow(name: str, fields: list[str]) -> pa.Table:
    text = files("lifetimes").joinpath(f"datasets/{name}").read_text()
    rows = [line.split() for line in text.splitlines() if line.split() and line.split()[0].isdigit()]
    columns = dict(zip(fields, zip(*rows, strict=True), strict=True))
    return pa.table(
        {
            "customer_id": pa.array([int(value) for value in columns["customer_id"]]),
            "date": pa.array([datetime.date.fromisoformat(value) for value in columns["date"]]),
            "amount": pa.array([float(value) for value in columns["amount"]]),
        }
    )


@pytest.fixture(scope="session")
def cdnow_master() -> pa.Table:
    """CDNOW, 23,570 customers, 69,659 purchases."""
    return _cdnow("CDNOW_master.txt", ["customer_id", "date", "quantity", "amount"])


@pytest.fixture(scope="session")
def cdnow_sample() -> pa.Table:
    """The 1/10 sample of CDNOW, 2,357 customers."""
    return _cdnow("CDNOW_sample.txt", ["master_id", "customer_id", "date", "quantity", "amount"])


@pytest.fixture(scope="session")
def donations() -> dict[str, list[float]]:
    """Six years of yearly gifts of 11,104 donors, already collapsed to 22 rows."""
    text = files("lifetimes").joinpath("datasets/donations.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    return {
        name: [float(row[name]) for row in rows] for name in ("frequency", "recency", "periods", "weights")
    }


@pytest.fixture(scope="session")
def online_retail(shared_data: Path) -> pa.Table:
    """Online Retail II, both sheets joined at 2010-12-10, returns and price <= 0 dropped."""
    first = _sales(shared_data / "online_retail_2009_2010.parquet")
    second = _sales(shared_data / "online_retail_2010_2011.parquet")
    seam = pa.scalar(datetime.date(2010, 12, 10)).cast(pa.timestamp("us"))
    return pa.concat_tables([first, second.filter(pc.field("date") >= seam)])


def _sales(path: Path) -> pa.Table:
    table = pq.read_table(path)
    sold = (pc.field("quantity") > 0) & (pc.field("unit_price") > 0) & pc.field("customer_id").is_valid()
    table = table.filter(sold)
    quantity = pc.cast(table["quantity"], pa.float64())
    return pa.table(
        {
            "customer_id": table["customer_id"],
            "date": pc.cast(table["invoice_ts"], pa.timestamp("us")),
            "item": pc.cast(table["stock_code"], pa.string()),
            "invoice": pc.cast(table["invoice"], pa.string()),
            "amount": pc.multiply(quantity, table["unit_price"]),
        }
    )
