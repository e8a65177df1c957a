"""Links between customers who are one person (身份关联): logged, reversible, never added up.

Every customer keeps its own number and facts; ``customer.survivor_no`` names the oldest of the linked ones.
Two customers with different verified identifiers of one kind are never linked, nor are more people than
`LinkLimits` allows: a family phone or a shop's own number would otherwise melt strangers into one.
Rule: design §5.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from koipond.store.bulk import any_of, insert_rows, update_rows, upsert_rows
from koipond.store.tables import customer, identifier, identity_block, identity_link


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """How far linking may go. ``shop_ids_max`` counts accounts of one person in one source."""

    people_max: int = 5
    holders_max: int = 5
    shop_ids_max: int = 5


@dataclass(frozen=True, slots=True)
class Shared:
    """Two customers were seen with one verified identifier."""

    first_no: int
    second_no: int
    kind: str
    key_hash: str


@dataclass(slots=True)
class _Person:
    """The customers linked so far, and the identifiers that prove who they are."""

    members: set[int]
    verified: dict[str, set[str]] = field(default_factory=dict)  # kind → hashes
    shops: dict[str, set[str]] = field(default_factory=dict)  # source → hashes

    def refusal(self, other: "_Person", limits: LinkLimits) -> str | None:
        """Say why the two may not be one person, or None."""
        for kind in self.verified.keys() & other.verified.keys():
            if len(self.verified[kind] | other.verified[kind]) > 1:
                return "different_verified"
        if len(self.members | other.members) > limits.people_max:
            return "too_many_people"
        for source in self.shops.keys() & other.shops.keys():
            if len(self.shops[source] | other.shops[source]) > limits.shop_ids_max:
                return "too_many_accounts"
        return None

    def absorb(self, other: "_Person") -> None:
        self.members |= other.members
        for mine, theirs in ((self.verified, other.verified), (self.shops, other.shops)):
            for name, hashes in theirs.items():
                mine.setdefault(name, set()).update(hashes)


def link(connection: sa.Connection, shared: Sequence[Shared], limits: LinkLimits, now_s: int) -> int:
    """Link the customers of ``shared`` as far as the rules allow; return how many links were made."""
    pairs = {_ordered(one): one for one in shared if one.first_no != one.second_no}
    if not pairs:
        return 0
    seen = _pairs_on_record(connection, pairs)
    people = _load_people(connection, {number for pair in pairs for number in pair})
    made, refused = [], []
    for (young, old), one in pairs.items():
        left, right = people[young], people[old]
        if (young, old) in seen or left is right:
            continue
        why = left.refusal(right, limits)
        if why is not None:
            refused.append((young, old, one.kind, why, now_s))
            continue
        made.append((young, old, one.kind, one.key_hash, now_s))
        left.absorb(right)
        for number in right.members:
            people[number] = left
    columns = ("customer_no", "other_no", "kind", "key_hash", "linked_s")
    insert_rows(connection, identity_link, columns, made)
    log_refusals(connection, refused)
    _set_survivors(connection, [people[young].members for young, *_ in made])
    return len(made)


def log_refusals(connection: sa.Connection, refused: list[tuple[int, int, str, str, int]]) -> None:
    """Record pairs that share an identifier and still are not linked: (customer, other, kind, why, at)."""
    columns = ("customer_no", "other_no", "kind", "why", "at_s")
    upsert_rows(connection, identity_block, columns, refused, "ON CONFLICT DO NOTHING")


def undo(connection: sa.Connection, links: Collection[int], author: str, now_s: int) -> set[int]:
    """Undo ``links`` (by number) and regroup who is left together; return the customers concerned."""
    chosen = any_of(connection, identity_link.c.link_no, links) & identity_link.c.undone_s.is_(None)
    ends = identity_link.c.customer_no, identity_link.c.other_no
    concerned = {number for row in connection.execute(sa.select(*ends).where(chosen)) for number in row}
    connection.execute(sa.update(identity_link).where(chosen).values(undone_s=now_s, undone_by=author))
    regroup(connection, concerned)
    return concerned


def undo_shared(connection: sa.Connection, hashes: Collection[str], now_s: int) -> None:
    """Undo every link that rests on one of ``hashes``: too many people hold it."""
    found = any_of(connection, identity_link.c.key_hash, hashes) & identity_link.c.undone_s.is_(None)
    numbers = connection.scalars(sa.select(identity_link.c.link_no).where(found)).all()
    if numbers:
        undo(connection, numbers, "too_many_holders", now_s)


def regroup(connection: sa.Connection, numbers: Collection[int]) -> None:
    """Recompute the survivor of every customer linked, now or before, to one of ``numbers``."""
    members = {number for person in _members(connection, numbers).values() for number in person}
    ends = identity_link.c.customer_no, identity_link.c.other_no
    touching = any_of(connection, ends[0], members) & identity_link.c.undone_s.is_(None)
    edges = [(young, old) for young, old in connection.execute(sa.select(*ends).where(touching))]
    groups = {number: {number} for number in members}
    for young, old in edges:
        if groups[young] is not groups[old]:
            groups[young] |= groups[old]
            for number in groups[old]:
                groups[number] = groups[young]
    _set_survivors(connection, groups.values())


def _ordered(one: Shared) -> tuple[int, int]:
    return max(one.first_no, one.second_no), min(one.first_no, one.second_no)


def _pairs_on_record(
    connection: sa.Connection, pairs: Mapping[tuple[int, int], Shared]
) -> set[tuple[int, int]]:
    """Return the pairs linked before; an undone link is never made again by itself."""
    query = sa.select(identity_link.c.customer_no, identity_link.c.other_no).where(
        any_of(connection, identity_link.c.customer_no, {young for young, _ in pairs})
    )
    return {(young, old) for young, old in connection.execute(query)}


def _members(connection: sa.Connection, numbers: Collection[int]) -> dict[int, list[int]]:
    """Return root → customers, for the persons that hold any of ``numbers``."""
    root = sa.func.coalesce(customer.c.survivor_no, customer.c.customer_no)
    roots = set(
        connection.scalars(sa.select(root).where(any_of(connection, customer.c.customer_no, numbers)))
    )
    query = sa.select(customer.c.customer_no, customer.c.survivor_no).where(
        any_of(connection, customer.c.survivor_no, roots)
    )
    members = {number: [number] for number in roots}
    for number, survivor in connection.execute(query):
        members[survivor].append(number)
    return members


def _load_people(connection: sa.Connection, numbers: Collection[int]) -> dict[int, _Person]:
    people: dict[int, _Person] = {}
    for members in _members(connection, numbers).values():
        person = _Person(set(members))
        people.update(dict.fromkeys(members, person))
    columns = identifier.c.customer_no, identifier.c.kind, identifier.c.scope, identifier.c.key_hash
    proof = sa.or_(identifier.c.verified, identifier.c.kind == "shop_id")
    query = sa.select(*columns).where(any_of(connection, columns[0], people), proof)
    for number, kind, scope, key_hash in connection.execute(query):
        kept, name = (people[number].shops, scope) if kind == "shop_id" else (people[number].verified, kind)
        kept.setdefault(name, set()).add(key_hash)
    return people


def lock_customers(connection: sa.Connection, numbers: Collection[int]) -> None:
    """Lock customers before they are rewritten, in the gate's order, so that neither waits in a circle."""
    mine = any_of(connection, customer.c.customer_no, numbers)
    query = sa.select(customer.c.customer_no).where(mine).order_by(customer.c.customer_no)
    connection.execute(query.with_for_update(key_share=True)).all()


def _set_survivors(connection: sa.Connection, groups: Iterable[set[int]]) -> None:
    rows = {
        number: (number, None if number == min(group) else min(group)) for group in groups for number in group
    }
    lock_customers(connection, rows.keys())
    update_rows(connection, customer, ("customer_no",), ("survivor_no",), list(rows.values()))
