"""The first tables: people, consent, definitions, the warehouse, records of work."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _audit_log()
    _brand_store()
    _consent_log()
    _counter()
    _customer()
    _definition_apply()
    _identity_block()
    _identity_link()
    _import_batch()
    _warehouse_lease()
    _warehouse_version()
    _workspace_setting()
    _consent()
    _definition()
    _identifier()
    _people_verdict()
    _staff()
    _suppression()
    _customer_staff()


def downgrade() -> None:
    for table in (
        "customer_staff",
        "suppression",
        "staff",
        "people_verdict",
        "identifier",
        "definition",
        "consent",
        "workspace_setting",
        "warehouse_version",
        "warehouse_lease",
        "import_batch",
        "identity_link",
        "identity_block",
        "definition_apply",
        "customer",
        "counter",
        "consent_log",
        "brand_store",
        "audit_log",
    ):
        op.drop_table(table)


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index("ix_audit_log_subject", ["subject"], unique=False)


def _brand_store() -> None:
    op.create_table(
        "brand_store",
        sa.Column("store_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("store_key", name=op.f("pk_brand_store")),
    )


def _consent_log() -> None:
    op.create_table(
        "consent_log",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("import_no", sa.BigInteger(), nullable=True),
        sa.Column("recorded_s", sa.BigInteger(), nullable=False),
        sa.Column("void_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_consent_log")),
    )
    with op.batch_alter_table("consent_log", schema=None) as batch_op:
        batch_op.create_index("ix_consent_log_import_no", ["import_no"], unique=False)
        batch_op.create_index(
            "uq_consent_log_statement",
            ["customer_no", "channel", "purpose", "granted", "at_s"],
            unique=True,
            sqlite_where=sa.text("void_s IS NULL"),
            postgresql_where=sa.text("void_s IS NULL"),
        )


def _counter() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )


def _customer() -> None:
    op.create_table(
        "customer",
        sa.Column(
            "customer_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("customer_uid", sa.Text(), nullable=False),
        sa.Column("survivor_no", sa.BigInteger(), nullable=True),
        sa.Column("staff", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("minor", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("profiling_refused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.Column("created_s", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("survivor_no < customer_no", name=op.f("ck_customer_survivor_is_older")),
        sa.PrimaryKeyConstraint("customer_no", name=op.f("pk_customer")),
        sa.UniqueConstraint("customer_uid", name=op.f("uq_customer_customer_uid")),
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.create_index(
            "ix_customer_survivor_no",
            ["survivor_no"],
            unique=False,
            sqlite_where=sa.text("survivor_no IS NOT NULL"),
            postgresql_where=sa.text("survivor_no IS NOT NULL"),
        )


def _definition_apply() -> None:
    op.create_table(
        "definition_apply",
        sa.Column(
            "apply_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("applied_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("apply_no", name=op.f("pk_definition_apply")),
    )


def _identity_block() -> None:
    op.create_table(
        "identity_block",
        sa.Column(
            "block_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("other_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block_no", name=op.f("pk_identity_block")),
        sa.UniqueConstraint(
            "customer_no", "other_no", "kind", name=op.f("uq_identity_block_customer_no_other_no_kind")
        ),
    )


def _identity_link() -> None:
    op.create_table(
        "identity_link",
        sa.Column(
            "link_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("other_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("linked_s", sa.BigInteger(), nullable=False),
        sa.Column("undone_s", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("link_no", name=op.f("pk_identity_link")),
        sa.UniqueConstraint("customer_no", "other_no", name=op.f("uq_identity_link_customer_no_other_no")),
    )
    with op.batch_alter_table("identity_link", schema=None) as batch_op:
        batch_op.create_index("ix_identity_link_key_hash", ["key_hash"], unique=False)
        batch_op.create_index("ix_identity_link_other_no", ["other_no"], unique=False)


def _import_batch() -> None:
    op.create_table(
        "import_batch",
        sa.Column(
            "import_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("began_s", sa.BigInteger(), nullable=False),
        sa.Column("ended_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("import_no", name=op.f("pk_import_batch")),
    )
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.create_index("ix_import_batch_fingerprint", ["fingerprint"], unique=False)


def _warehouse_lease() -> None:
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
    with op.batch_alter_table("warehouse_lease", schema=None) as batch_op:
        batch_op.create_index(
            "uq_warehouse_lease_writer",
            ["kind"],
            unique=True,
            sqlite_where=sa.text("kind = 'writer'"),
            postgresql_where=sa.text("kind = 'writer'"),
        )


def _warehouse_version() -> None:
    op.create_table(
        "warehouse_version",
        sa.Column(
            "version",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("publisher", sa.Text(), nullable=False),
        sa.Column("published_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_warehouse_version")),
    )


def _workspace_setting() -> None:
    op.create_table(
        "workspace_setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workspace_setting")),
    )


def _consent() -> None:
    op.create_table(
        "consent",
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_no"], ["customer.customer_no"], name=op.f("fk_consent_customer_no")
        ),
        sa.PrimaryKeyConstraint("customer_no", "channel", "purpose", name=op.f("pk_consent")),
        sqlite_with_rowid=False,
    )


def _definition() -> None:
    op.create_table(
        "definition",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("managed_by", sa.Text(), nullable=False),
        sa.Column("apply_no", sa.BigInteger(), nullable=False),
        sa.Column("archived_no", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["apply_no"], ["definition_apply.apply_no"], name=op.f("fk_definition_apply_no")
        ),
        sa.ForeignKeyConstraint(
            ["archived_no"], ["definition_apply.apply_no"], name=op.f("fk_definition_archived_no")
        ),
        sa.PrimaryKeyConstraint("kind", "key", "version", name=op.f("pk_definition")),
    )


def _identifier() -> None:
    op.create_table(
        "identifier",
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("cipher", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("seen_s", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_no"], ["customer.customer_no"], name=op.f("fk_identifier_customer_no")
        ),
        sa.PrimaryKeyConstraint("key_hash", "customer_no", name=op.f("pk_identifier")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("identifier", schema=None) as batch_op:
        batch_op.create_index("ix_identifier_customer_no", ["customer_no"], unique=False)


def _people_verdict() -> None:
    op.create_table(
        "people_verdict",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_no"], ["customer.customer_no"], name=op.f("fk_people_verdict_customer_no")
        ),
        sa.PrimaryKeyConstraint("rule", "customer_no", name=op.f("pk_people_verdict")),
    )


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("staff_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("store_key", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["store_key"], ["brand_store.store_key"], name=op.f("fk_staff_store_key")),
        sa.PrimaryKeyConstraint("staff_key", name=op.f("pk_staff")),
    )


def _suppression() -> None:
    op.create_table(
        "suppression",
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_no"], ["customer.customer_no"], name=op.f("fk_suppression_customer_no")
        ),
        sa.PrimaryKeyConstraint("customer_no", "channel", "reason", name=op.f("pk_suppression")),
        sqlite_with_rowid=False,
    )


def _customer_staff() -> None:
    op.create_table(
        "customer_staff",
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("staff_key", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("since_s", sa.BigInteger(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_no"], ["customer.customer_no"], name=op.f("fk_customer_staff_customer_no")
        ),
        sa.ForeignKeyConstraint(["staff_key"], ["staff.staff_key"], name=op.f("fk_customer_staff_staff_key")),
        sa.PrimaryKeyConstraint("customer_no", "staff_key", name=op.f("pk_customer_staff")),
    )
    with op.batch_alter_table("customer_staff", schema=None) as batch_op:
        batch_op.create_index("ix_customer_staff_staff_key", ["staff_key"], unique=False)
