"""Versions of the warehouse and who reads or writes it. No personal data."""

import sqlalchemy as sa

from koipond.store.tables.base import KEY, METADATA, instant, number, text

warehouse_version = sa.Table(
    "warehouse_version",
    METADATA,
    sa.Column("version", KEY, primary_key=True, autoincrement=False),
    text("manifest"),  # JSON: datasets and meta
    text("publisher"),
    instant("published_s"),
)

warehouse_lease = sa.Table(
    "warehouse_lease",
    METADATA,
    sa.Column("lease", sa.Text, primary_key=True),
    text("kind"),  # reader | writer
    number("version", null=True),
    text("host"),
    number("pid"),
    text("started"),
    text("purpose"),
    instant("since_s"),
    instant("until_s", null=True),  # readers only: a writer is replaced when its process is dead
)
sa.Index(
    "uq_warehouse_lease_writer",
    warehouse_lease.c.kind,
    unique=True,
    sqlite_where=warehouse_lease.c.kind == "writer",
    postgresql_where=warehouse_lease.c.kind == "writer",
)
