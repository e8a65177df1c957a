"""Held value grades (当前等级): what every customer is treated by, the monthly runs and every change.

Personal data: none beyond the customer's number. Rows of an erased customer go with him.
"""

import sqlalchemy as sa

from koipond.store.tables.base import METADATA, instant, number, serial, text

held_grade = sa.Table(
    "held_grade",
    METADATA,
    sa.Column("customer_no", sa.BigInteger, primary_key=True),
    text("grade"),
    number("runs_below"),  # monthly runs in a row with a snapshot below
    number("since_day"),
    number("definition_version"),  # the apply under which it was reached
    sqlite_with_rowid=False,
)

grade_run = sa.Table(
    "grade_run",
    METADATA,
    # months since year 0, so that no month has two
    sa.Column("month", sa.BigInteger, primary_key=True, autoincrement=False),
    number("day"),
    number("seen_day"),  # the last refresh that lifted somebody or ran
    instant("ran_s"),
    number("definition_version"),
    text("layers_version"),  # fingerprint of the layer definitions
    number("began"),
    number("up"),
    number("down"),
    number("kept"),
    number("ended"),
)

grade_change = sa.Table(
    "grade_change",
    METADATA,
    serial("change_no"),
    number("customer_no"),
    text("from_grade", null=True),  # null = held none
    text("to_grade", null=True),
    number("day"),
    number("definition_version"),
)
