"""Versions of the warehouse, its published files, and who holds what for how long. No personal data."""

import sqlalchemy as sa

from koipond.store.tables.base import KEY, METADATA, instant, number, text

warehouse_version = sa.Table(
    "warehouse_version",
    METADATA,
    sa.Column("version", KEY, primary_key=True, autoincrement=False),
    text("manifest"),  # JSON: datasets and meta
    text("publisher"),
    instant("published_s"),
    text("nonce", server_default=""),  # drawn at the publication: two histories of one number differ in it
)

warehouse_file = sa.Table(
    "warehouse_file",
    METADATA,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("file", sa.Text, primary_key=True),
    text("sha256"),
    number("bytes"),
    number("version"),  # the first version that names it
    instant("retired_s", null=True),  # no kept version names it any more: it may be deleted
    sqlite_with_rowid=False,
)

lease = sa.Table(
    "lease",
    METADATA,
    sa.Column("lease", sa.Text, primary_key=True),
    text("kind"),  # reader | writer | sender | import
    number("version", null=True),  # readers: the version that stays on disk for them
    text("host"),
    number("pid"),
    text("started"),
    text("purpose"),
    instant("since_s"),
    instant("until_s"),  # moved on by each beat of the heart
    number("beats"),
    number("seen_beats", null=True),  # what another process saw of a holder whose clock is ahead,
    instant("seen_s", null=True),  # and when, on its own clock
)
sa.Index(
    "uq_lease_writer",
    lease.c.kind,
    unique=True,
    sqlite_where=lease.c.kind == "writer",
    postgresql_where=lease.c.kind == "writer",
)
