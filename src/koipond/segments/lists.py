"""Lists (名单): customers somebody brings along as a file. Strangers are reported, never created."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from koipond.facts.people import ListedPerson, PersonKeys
from koipond.kernel import InputError, Message, joined
from koipond.segments.definition import KEY
from koipond.segments.ports import AddressFinder, CustomerFinder, ListStore

PEOPLE_PER_LOOKUP = 10_000
LINES_MAX = 5_000_000
_MARKS = (",", ";", "\t", "|")
SAMPLES_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ListResult:
    """What became of the lines of a list: ``read`` lines named ``members`` customers, ``strangers`` nobody.

    ``nameless``: lines without any id, which are no ``strangers``. ``repeated``: lines whose customers an
    earlier line had named. ``stranger_lines``: 1-based lines of the first few who are nobody's customer
    (never the ids themselves).
    """

    key: str
    read: int
    members: int
    repeated: int
    strangers: int
    nameless: int
    stranger_lines: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whom the lines of a list name, the first line of each: person → line."""

    who: Sequence[tuple[ListedPerson, Collection[int]]]

    def result(self, key: str) -> ListResult:
        """Return the account of it; raise InputError when nobody is known."""
        members: set[int] = set()
        strangers, repeated = [], 0
        for person, numbers in self.who:
            repeated += bool(numbers) and members.issuperset(numbers)
            members.update(numbers)
            if not numbers and not person.nameless:
                strangers.append(person.line)
        nameless = sum(person.nameless for person, _ in self.who)
        if not members:
            people = [person for person, _ in self.who]
            raise InputError(
                "none of the {count} lines of list '{key}' is a customer; {advice}",
                count=len(people),
                key=key,
                advice=_advice(people, nameless),
            )
        return ListResult(
            key=key,
            read=len(self.who),
            members=len(members),
            repeated=repeated,
            strangers=len(strangers),
            nameless=nameless,
            stranger_lines=tuple(strangers[:SAMPLES_MAX]),
        )


def find_people(people: Iterable[ListedPerson], finder: CustomerFinder, holders: AddressFinder) -> Found:
    """Look up whom each line names: by our own id, else the holder of its shop id, else everybody who holds
    its phone or e-mail.

    An address that several customers hold means all of them: they are one inbox, and a list of whom to leave
    in peace must not miss one. Raises InputError beyond LINES_MAX lines.
    """
    found: list[tuple[ListedPerson, Collection[int]]] = []
    for part in _parts(iter(people)):
        if len(found) + len(part) > LINES_MAX:
            raise InputError(
                "more than {lines_max:,} lines; split the list into several files", lines_max=LINES_MAX
            )
        uids = holders.by_uid({one.uid for one in part if one.uid})
        named = [one for one in part if one.keys.shop_id and one.uid not in uids]
        ids = finder.find([PersonKeys(source=p.keys.source, shop_id=p.keys.shop_id) for p in named])
        numbers = {one.line: number for one, number in zip(named, ids, strict=True)}
        numbers |= {one.line: uids[one.uid] for one in part if one.uid in uids}
        by_id = [numbers.get(one.line) for one in part]
        left = [one for one, number in zip(part, by_id, strict=True) if number is None]
        phones = holders.holders("phone", {p.keys.phone for p in left if p.keys.phone})
        emails = holders.holders("email", {p.keys.email for p in left if p.keys.email})
        for one, number in zip(part, by_id, strict=True):
            at = {*phones.get(one.keys.phone or "", ()), *emails.get(one.keys.email or "", ())}
            found.append((one, at if number is None else (number,)))
    return Found(who=found)


def _parts(people: Iterator[ListedPerson]) -> Iterator[list[ListedPerson]]:
    while part := list(islice(people, PEOPLE_PER_LOOKUP)):
        yield part


def _advice(people: Sequence[ListedPerson], nameless: int) -> str:
    """Say what may be wrong with lines of which none names a customer."""
    if nameless:
        return Message(
            "{nameless:,} of them hold no id: name the column with --map customer_uid=COLUMN "
            "(or customer_id, phone, email)",
            nameless=nameless,
        )
    wide = [one.line for one in people if any(m in (one.keys.shop_id or "") for m in _MARKS)]
    if wide:
        shown = joined(", ", map(str, wide[:SAMPLES_MAX]))
        return Message(
            "lines hold more than an id (line {shown}): write one id a line, or a table with a header",
            shown=shown,
        )
    return Message("import customers first, or look at how the ids are written")


def bring_list(
    key: str,
    people: Iterable[ListedPerson],
    finder: CustomerFinder,
    holders: AddressFinder,
    store: ListStore,
    *,
    author: str,
    now: datetime,
) -> ListResult:
    """Make ``people`` the whole list ``key``; raise InputError for a bad key, no author, or nobody known."""
    wrong = (
        [] if KEY.fullmatch(key) else [Message("'{key}' is no key: use small letters, digits and _", key=key)]
    )
    if not author.strip():
        wrong.append(Message("name the author of the list"))
    if wrong:
        raise InputError(joined("; ", wrong))
    found = find_people(people, finder, holders)
    made = found.result(key)
    members = sorted({number for _, numbers in found.who for number in numbers})
    store.replace_list(key, members, author=author, now=now)
    return made
