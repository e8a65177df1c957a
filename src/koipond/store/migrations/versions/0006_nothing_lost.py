"""Leases with a heartbeat, checksums of files, what a touch holds by the day it goes, pauses, addresses."""

import sqlalchemy as sa
from alembic import op

from koipond.store.code_keys import code_key

revision = "0006"
down_revision = "0005"

_PLACE = ("customer_no", "strategy", "play", "occurrence")
_VERSIONED = ("customer_no", "strategy", "strategy_version", "play", "occurrence")


def upgrade() -> None:
    _warehouse()
    _consents()
    op.add_column("identifier", sa.Column("address_hash", sa.Text(), nullable=True))
    held = sa.text("address_hash IS NOT NULL")
    op.create_index(
        "ix_identifier_address_hash", "identifier", ["address_hash"], sqlite_where=held, postgresql_where=held
    )
    op.add_column("import_batch", sa.Column("lease", sa.Text(), nullable=True))
    op.add_column("import_batch", sa.Column("heard_no", sa.BigInteger(), nullable=True))
    _outreach()


def downgrade() -> None:
    op.drop_table("pause")
    op.drop_index("ix_offer_code_code_key", "offer_code")
    with op.batch_alter_table("offer_code") as batch:
        batch.drop_column("code_key")
    _held_out_by(_VERSIONED)
    op.drop_index("ix_outbox_lease", "outbox")
    op.add_column("outbox", sa.Column("lease_until_s", sa.BigInteger(), nullable=True))
    op.execute("UPDATE outbox SET lease_until_s = 0 WHERE lease IS NOT NULL")
    under_way = sa.text("state IN ('leased', 'sending')")
    op.create_index(
        "ix_outbox_lease_until_s",
        "outbox",
        ["lease_until_s"],
        sqlite_where=under_way,
        postgresql_where=under_way,
    )
    for name in ("heard_seq", "shares"):
        op.drop_column("outbox", name)
    for name in ("staff_s", "minor_s"):
        op.drop_column("customer", name)
    with op.batch_alter_table("touch") as batch:
        batch.drop_constraint("uq_touch_customer_no_strategy_play_occurrence", type_="unique")
        batch.create_unique_constraint(
            "uq_touch_customer_no_strategy_strategy_version_play_occurrence", list(_VERSIONED)
        )
    with op.batch_alter_table("import_batch") as batch:
        batch.drop_column("heard_no")
        batch.drop_column("lease")
    op.drop_index("ix_identifier_address_hash", "identifier")
    with op.batch_alter_table("identifier") as batch:
        batch.drop_column("address_hash")
    _former_consents()
    op.drop_table("lease")
    op.drop_table("warehouse_file")
    with op.batch_alter_table("warehouse_version") as batch:
        batch.drop_column("nonce")
    _former_lease()


_STATEMENT = ("customer_no", "channel", "purpose", "granted", "at_s")


def _consents() -> None:
    """Number the statements in the order in which they were heard; the store reads the states anew."""
    for table, names in (("consent", ("heard_s", "heard_no")), ("consent_log", ("heard_no",))):
        for name in names:
            op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE consent SET heard_s = at_s")
    op.execute(
        "UPDATE consent_log SET heard_no = CASE WHEN import_no IS NULL THEN seq ELSE"
        " (SELECT min(first.seq) FROM consent_log AS first WHERE first.import_no = consent_log.import_no) END"
    )
    op.execute(
        "INSERT INTO counter (name, value) SELECT 'heard_no', newest FROM"
        " (SELECT coalesce(max(seq), 0) AS newest FROM consent_log) AS heard"
        " WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = 'heard_no')"
    )
    op.drop_index("uq_consent_log_statement", "consent_log")
    op.create_index("ix_consent_log_customer_no", "consent_log", ["customer_no"])
    for table, names in (("consent", ("heard_s", "heard_no")), ("consent_log", ("heard_no",))):
        with op.batch_alter_table(table) as batch:
            for name in names:
                batch.alter_column(name, server_default=None)


def _former_consents() -> None:
    op.drop_index("ix_consent_log_customer_no", "consent_log")
    with op.batch_alter_table("consent_log") as batch:
        batch.drop_column("heard_no")
    standing = sa.text("void_s IS NULL")
    op.execute(  # what was said twice stood once
        "DELETE FROM consent_log WHERE void_s IS NULL AND EXISTS (SELECT 1 FROM consent_log AS first WHERE"
        " first.void_s IS NULL AND first.seq < consent_log.seq AND "
        + " AND ".join(f"first.{name} = consent_log.{name}" for name in _STATEMENT)
        + ")"
    )
    op.create_index(
        "uq_consent_log_statement",
        "consent_log",
        list(_STATEMENT),
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    with op.batch_alter_table("consent") as batch:
        batch.drop_column("heard_no")
        batch.drop_column("heard_s")


def _warehouse() -> None:
    op.add_column("warehouse_version", sa.Column("nonce", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "warehouse_file",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("retired_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("dataset", "file", name=op.f("pk_warehouse_file")),
        sqlite_with_rowid=False,
    )
    op.drop_table("warehouse_lease")  # nobody holds anything across an upgrade
    op.create_table(
        "lease",
        sa.Column("lease", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("since_s", sa.BigInteger(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("seen_beats", sa.BigInteger(), nullable=True),
        sa.Column("seen_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("lease", name=op.f("pk_lease")),
    )
    only = sa.text("kind = 'writer'")
    op.create_index(
        "uq_lease_writer", "lease", ["kind"], unique=True, sqlite_where=only, postgresql_where=only
    )


def _former_lease() -> None:
    op.create_table(
        "warehouse_lease",
        sa.Column("lease", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("since_s", sa.BigInteger(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("lease", name=op.f("pk_warehouse_lease")),
    )
    only = sa.text("kind = 'writer'")
    op.create_index(
        "uq_warehouse_lease_writer",
        "warehouse_lease",
        ["kind"],
        unique=True,
        sqlite_where=only,
        postgresql_where=only,
    )


def _outreach() -> None:
    # an occurrence that two versions of one strategy touched: the later keeps its own name
    op.execute(
        "UPDATE touch SET occurrence = occurrence || '#' || strategy_version WHERE EXISTS (SELECT 1 FROM"
        " touch AS earlier WHERE earlier.customer_no = touch.customer_no AND earlier.strategy ="
        " touch.strategy AND earlier.play = touch.play AND earlier.occurrence = touch.occurrence AND"
        " earlier.strategy_version < touch.strategy_version)"
    )
    with op.batch_alter_table("touch") as batch:
        batch.drop_constraint(
            "uq_touch_customer_no_strategy_strategy_version_play_occurrence", type_="unique"
        )
        batch.create_unique_constraint("uq_touch_customer_no_strategy_play_occurrence", list(_PLACE))
    # what was claimed when the store was upgraded is put right like that of any sender that has ended
    op.drop_index("ix_outbox_lease_until_s", "outbox")
    op.drop_column("outbox", "lease_until_s")
    op.add_column("outbox", sa.Column("shares", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("heard_seq", sa.BigInteger(), nullable=True))
    under_way = sa.text("state IN ('leased', 'sending')")
    op.create_index(
        "ix_outbox_lease", "outbox", ["lease"], sqlite_where=under_way, postgresql_where=under_way
    )
    op.add_column("customer", sa.Column("staff_s", sa.BigInteger(), nullable=True))
    op.add_column("customer", sa.Column("minor_s", sa.BigInteger(), nullable=True))
    _held_out_by(_PLACE)
    op.add_column("offer_code", sa.Column("code_key", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_offer_code_code_key", "offer_code", ["code_key"])
    _code_keys()
    op.execute("UPDATE plan SET status = 'making' WHERE status = 'draft' AND summary = '{}'")
    op.create_table(
        "pause",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_pause")),
    )


def _held_out_by(key: tuple[str, ...]) -> None:
    """Make ``held_out`` anew under another key; of equal places the first that was held out stays."""
    columns = "customer_no, strategy, strategy_version, play, occurrence, scope, at_s, plan"
    op.rename_table("held_out", "held_out_former")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_held_out RENAME TO pk_held_out_former")
    op.create_table(
        "held_out",
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("strategy_version", sa.BigInteger(), nullable=False),
        sa.Column("play", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_held_out")),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO held_out ({columns}) SELECT {columns} FROM held_out_former ORDER BY at_s"
        " ON CONFLICT DO NOTHING"
        if op.get_bind().dialect.name == "postgresql"
        else f"INSERT OR IGNORE INTO held_out ({columns}) SELECT {columns} FROM held_out_former ORDER BY at_s"
    )
    op.drop_table("held_out_former")


def _code_keys() -> None:
    """Write how each code reads; two that read alike are found by `koipond verify`."""
    connection, table = op.get_bind(), sa.table("offer_code", sa.column("code_no"), sa.column("code_key"))
    rows = connection.execute(sa.text("SELECT code_no, code FROM offer_code ORDER BY code_no")).all()
    update = (
        sa.update(table).where(table.c.code_no == sa.bindparam("no")).values(code_key=sa.bindparam("key"))
    )
    for start in range(0, len(rows), 20_000):
        part = rows[start : start + 20_000]
        connection.execute(update, [{"no": row.code_no, "key": code_key(row.code)} for row in part])
