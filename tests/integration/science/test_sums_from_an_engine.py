"""Sums that DuckDB aggregated give the same comparison as the rows."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import koipond
from koipond.experiments import ArmData, MetricSums, aggregates, compare_arms, read_metrics, sum_columns

METRICS = {"bought": "proportion", "fen": "mean", "aov": ("ratio", "fen", "orders")}


def rows(n: int = 5000) -> pa.Table:
    rng = np.random.default_rng(1)
    before = rng.gamma(2.0, 60_000.0, n)
    return pa.table(
        {
            "arm": np.where(rng.random(n) < 0.3, "control", "sent"),
            "bought": rng.integers(0, 2, n).astype(bool),
            "fen": (before * 0.7 + rng.gamma(1.0, 50_000.0, n)).astype(np.int64),
            "orders": rng.poisson(2.0, n) + 1,
            "before_fen": before.astype(np.int64),
        }
    )


def engine_sums(table: pa.Table, columns: tuple[str, ...]) -> dict[str, MetricSums]:
    """Aggregate in SQL, by the names that `aggregates` asks for; HUGEINT because fen² overflows 64 bits."""
    terms = [
        f"sum({' * '.join(f'{factor}::hugeint' for factor in factors)}) as {name}"
        if factors
        else "count(*) as n"
        for name, factors in aggregates(columns).items()
    ]
    con = duckdb.connect()
    con.register("rows", table)
    found = con.execute(f"select arm, {', '.join(terms)} from rows group by arm order by arm").fetchall()
    names = ["arm", *aggregates(columns)]
    con.close()
    read = [dict(zip(names, row, strict=True)) for row in found]
    return {row["arm"]: MetricSums.from_aggregates(columns, row) for row in read}


@pytest.mark.parametrize("covariates", [(), ("before_fen",)])
def test_a_comparison_from_engine_sums_equals_the_one_from_rows(covariates: tuple[str, ...]) -> None:
    table, metrics = rows(), read_metrics(METRICS)
    arms = engine_sums(table, sum_columns(metrics, covariates))
    from_sums = compare_arms(
        {arm: ArmData(sums=sums) for arm, sums in arms.items()},
        control="control",
        metrics=metrics,
        covariates=covariates,
        expected={"control": 0.3, "sent": 0.7},
    )
    from_rows = koipond.compare(
        table, metrics=METRICS, covariates=covariates, expected={"control": 0.3, "sent": 0.7}
    )
    assert from_sums.to_dict() == from_rows.to_dict()  # integers all the way: not a digit apart


def test_layers_of_an_arm_add_to_the_arm() -> None:
    table = rows()
    columns = ("fen", "before_fen")
    whole = engine_sums(table, columns)
    halves = [engine_sums(table.slice(0, 1777), columns), engine_sums(table.slice(1777), columns)]
    for arm in ("control", "sent"):
        assert halves[0][arm] + halves[1][arm] == whole[arm]
