"""Records of work: imports, verdicts on people, audit, settings of the workspace.

Personal data: none; ``audit_log.actor`` and ``people_verdict.author`` name operators.
"""

import sqlalchemy as sa

from koipond.store.tables.base import METADATA, instant, number, serial, text

import_batch = sa.Table(
    "import_batch",
    METADATA,
    serial("import_no"),
    text("kind"),  # orders | events | products | customers | consents | touches
    text("source"),
    text("file"),  # name without its folder
    text("fingerprint"),
    # published (facts are out, grants are being taken into force) | done | failed | cancelled | undone;
    # null while it runs or when killed: its lease tells which
    text("outcome", null=True),
    text("summary"),  # JSON
    instant("began_s"),
    instant("ended_s", null=True),
    text("lease", null=True),
    number("heard_no", null=True),  # consents: the place of its statements in the order of hearing
)
sa.Index("ix_import_batch_fingerprint", import_batch.c.fingerprint)

people_verdict = sa.Table(
    "people_verdict",
    METADATA,
    sa.Column("rule", sa.Text, primary_key=True),  # test_account | reward_chaser | abnormal_frequency
    sa.Column("customer_no", sa.BigInteger, sa.ForeignKey("customer.customer_no"), primary_key=True),
    text("verdict"),  # confirmed | cleared
    text("author"),
    instant("at_s"),
)
# written out in the statement: a database cannot tell that a parameter fits a partial index
UNREAL = people_verdict.c.verdict == sa.literal_column("'confirmed'")
sa.Index(
    "ix_people_verdict_customer_no",
    people_verdict.c.customer_no,
    sqlite_where=UNREAL,
    postgresql_where=UNREAL,
)

audit_log = sa.Table(
    "audit_log",
    METADATA,
    serial("seq"),
    instant("at_s"),
    text("actor"),
    text("action"),
    text("subject"),
    text("detail"),  # JSON
    text("hash", null=True),  # over this entry and the hash of the one before; null = of an earlier release
)
sa.Index("ix_audit_log_subject", audit_log.c.subject)

workspace_setting = sa.Table(
    "workspace_setting",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    text("value"),  # JSON
)
