"""Whom a row names (所指的人): identifiers as they come, before anybody knows which customer they are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonKeys:
    """What a file says about who somebody is. ``source`` scopes ``shop_id``."""

    source: str
    shop_id: str | None = None
    phone: str | None = None  # E.164
    email: str | None = None  # lower case
    verified: bool = False  # phone and e-mail were proven to be this person's


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A customer of ours."""

    customer_no: int
    customer_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPerson:
    """One line of a list. ``uid``: our id of a customer; ``value``: what its row says of them, when the list
    has such a column."""

    line: int
    keys: PersonKeys
    value: str | None = None
    uid: str | None = None

    @property
    def nameless(self) -> bool:
        """Whether the line says nothing of who is meant."""
        return not (self.uid or self.keys.shop_id or self.keys.phone or self.keys.email)
