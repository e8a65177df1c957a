"""The one MetaData, and the column kinds every table uses.

Instants are whole UTC seconds since 1970 in BIGINT columns ``*_s`` (SQLite drops zones, and the facts of the
warehouse count the same way); money is integer minor units; JSON is canonical text.
"""

from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes only INTEGER PRIMARY KEY an alias of the row id
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def number(name: str, *, null: bool = False, **options: Any) -> sa.Column[int]:
    """An integer column: money, counts, customer numbers."""
    return sa.Column(name, sa.BigInteger, nullable=null, **options)


def instant(name: str, *, null: bool = False) -> sa.Column[int]:
    """Whole UTC seconds since 1970; the name ends in ``_s``."""
    return sa.Column(name, sa.BigInteger, nullable=null)


def text(name: str, *, null: bool = False, **options: Any) -> sa.Column[str]:
    """A text column."""
    return sa.Column(name, sa.Text, nullable=null, **options)


def flag(name: str) -> sa.Column[bool]:
    """A truth value, false unless said."""
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def serial(name: str) -> sa.Column[int]:
    """A primary key the database numbers."""
    return sa.Column(name, KEY, primary_key=True, autoincrement=True)
