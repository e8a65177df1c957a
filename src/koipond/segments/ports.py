"""What segments ask of the outside: lists and manual tags, kept in the store (they permit actions)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from koipond.facts.people import PersonKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """One list as the store knows it. ``member_count`` counts customers, not lines of the file."""

    key: str
    member_count: int
    author: str
    at: datetime


class ListStore(Protocol):
    """Lists of customers that somebody brought along as a file."""

    def replace_list(self, key: str, customer_nos: Sequence[int], *, author: str, now: datetime) -> None:
        """Make ``customer_nos`` the whole list ``key``, in one transaction."""
        ...

    def list_members(self, key: str) -> Sequence[int]:
        """Return the customer numbers of list ``key``; raise InputError when there is no such list."""
        ...

    def lists(self) -> Sequence[ListEntry]:
        """Return every list, by key."""
        ...


CODE_SCHEMA = pa.schema(
    {
        "customer_no": pa.int32(),
        "list_key": pa.string(),
        "code_key": pa.string(),  # as a till reads it
        "issued_s": pa.int64(),
        "expires_s": pa.int64(),  # the first second it is not good any more, null = never
    }
)


class CodeBook(Protocol):
    """The codes that customers hold."""

    def held(self) -> pa.Table:
        """Return every code that was issued: the columns of CODE_SCHEMA."""
        ...

    def key(self, code: str) -> str:
        """Return ``code`` as a till reads it: codes of one key cannot be told apart."""
        ...


class CustomerFinder(Protocol):
    """Finds customers without making new ones."""

    def find(self, people: Sequence[PersonKeys]) -> list[int | None]:
        """Return the customer number of each of ``people``, in order; None for a stranger."""
        ...


class AddressFinder(Protocol):
    """Finds who holds an address."""

    def holders(self, kind: str, values: Collection[str]) -> dict[str, list[int]]:
        """Return address of ``kind`` (phone, email) → the customers who hold it, in any source."""
        ...

    def by_uid(self, uids: Collection[str]) -> dict[str, int]:
        """Return our id of a customer → his number; without those of nobody, or of somebody erased."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChange:
    """One manual act on one tag of one customer (手动打标签): who, why, until when.

    ``value`` None takes the whole group off. ``until_day``: last local day it holds, None = until withdrawn.
    """

    customer_no: int
    tag_group: str
    value: str | None
    author: str
    reason: str
    until_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualTag:
    """A manual tag that stands."""

    customer_no: int
    tag_group: str
    value: str
    author: str
    reason: str
    from_day: int
    until_day: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TagAct:
    """One entry of the history of manual tags."""

    change: TagChange
    day: int
    at: datetime


class TagStore(Protocol):
    """Manual tags with author, reason and history."""

    def change_tags(self, changes: Sequence[TagChange], *, exclusive: bool, day: int, now: datetime) -> int:
        """Record ``changes`` in one transaction; return how many altered something.

        ``exclusive``: a new value of the group replaces the old ones; else it joins them.
        """
        ...

    def manual_tags(self) -> Sequence[ManualTag]:
        """Return every manual tag that stands, expired ones included."""
        ...

    def tag_history(self, customer_no: int, limit: int) -> Sequence[TagAct]:
        """Return at most ``limit`` acts on this customer, newest first."""
        ...
