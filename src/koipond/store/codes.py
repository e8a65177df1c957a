"""Code lists (券码): codes of the brand's own shop, imported, one a customer, issued by the gate alone."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from koipond.kernel import InputError, Message, shortened
from koipond.store.bulk import Row, any_of, chunks, upsert_rows
from koipond.store.code_days import Given, Held, HeldCode, move_days, without_over
from koipond.store.code_keys import code_key, is_hidden
from koipond.store.engine import Database
from koipond.store.instants import to_s
from koipond.store.tables import offer_code, touch

CHUNK = 20_000
_ONE_FILE_AT_A_TIME = 7_405_119  # any number of our own
_SHOWN = 20  # problems named one by one
Problem = tuple[int, str]  # line, what is wrong
CodeEnd = Callable[[str, int | None, int | None], int | None]
"""List, a code's own end, when it was issued → the first second in which it is no good any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeStock:
    """How many codes of a list there are."""

    list_key: str
    issued: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesAdded:
    """What became of the codes of a file: how many are ``new``, and of those the list holds already, how many
    have the last day now given (``moved``), were issued and keep the one they went out with (``promised``),
    or keep the one they have because none is given now (``undated``). ``over``: ended already, not added.
    """

    new: int
    moved: int = 0
    promised: int = 0
    undated: int = 0
    over: int = 0


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code that went out with a touch; ``cost_fen``: what the offer was taken to cost then."""

    touch_key: str
    cost_fen: int
    list_key: str
    code: str
    issued_s: int | None
    expires_s: int | None


class StoredCodes:
    """Codes of one workspace."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(
        self,
        list_key: str,
        codes: Sequence[str],
        expires_at: datetime | None = None,
        lines: Sequence[int] | None = None,
        ends: Sequence[datetime | None] | None = None,
        over_at: datetime | None = None,
    ) -> CodesAdded:
        """Add ``codes`` to a list, all or none; return what became of them. One that the list holds already
        keeps its place and holder; its end becomes the one given here unless it was issued with another.
        ``lines``: where each stands in its file, default its place. ``ends``: when each is no good any more,
        in place of one ``expires_at`` for all. ``over_at``: one that ends by then is not added.

        Raises InputError naming every code that is empty, holds what does not show, reads like another one of
        the file or of this list, or stands in another list.
        """
        kept = [code.strip() for code in codes]
        placed = list(zip(lines or range(1, len(kept) + 1), kept, strict=True))
        problems = [*_unreadable(placed), *_twins(placed)]
        each = [expires_at] * len(kept) if ends is None else ends
        given: Given = {
            code: None if end is None else to_s(end) for code, end in zip(kept, each, strict=True)
        }
        with self._db.write() as connection:
            if connection.dialect.name == "postgresql":  # two files at once could hold the same code
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_FILE_AT_A_TIME)))
            mine, others = _held(connection, list_key, placed)
            if problems := [*problems, *others]:
                raise InputError(_said(list_key, problems))
            fresh = {code: end for code, end in given.items() if code not in mine}
            good = without_over(fresh, over_at)
            rows: list[Row] = [(list_key, code, end, code_key(code)) for code, end in good.items()]
            columns = ("list_key", "code", "expires_s", "code_key")
            for part in chunks(rows, CHUNK):
                upsert_rows(connection, offer_code, columns, list(part), "ON CONFLICT DO NOTHING")
            moved, promised, undated = move_days(connection, mine, given)
        return CodesAdded(
            new=len(good), moved=moved, promised=promised, undated=undated, over=len(fresh) - len(good)
        )

    def stock(self, now: datetime) -> list[CodeStock]:
        """Return how many codes of each list are issued, and how many are left and still good."""
        issued = offer_code.c.customer_no.is_not(None)
        good = sa.or_(offer_code.c.expires_s.is_(None), offer_code.c.expires_s > to_s(now))
        counts = [sa.func.sum(sa.case((what, 1), else_=0)) for what in (issued, sa.not_(issued) & good)]
        query = sa.select(offer_code.c.list_key, *counts).group_by(offer_code.c.list_key)
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(offer_code.c.list_key)).all()
        return [CodeStock(list_key=key, issued=int(given), left=int(left)) for key, given, left in rows]

    def ends(self, at: datetime) -> dict[str, tuple[int, int | None]]:
        """Return list → when the first and the last of its codes end that are left and good at ``at``, as the
        first second in which they are no good any more; the last is None where some code never ends.

        Lists whose codes have no end are not named.
        """
        end = offer_code.c.expires_s
        left = offer_code.c.customer_no.is_(None) & sa.or_(end.is_(None), end > to_s(at))
        endless = sa.func.sum(sa.case((end.is_(None), 1), else_=0))
        query = sa.select(offer_code.c.list_key, sa.func.min(end), sa.func.max(end), endless).where(left)
        with self._db.read() as connection:
            rows = connection.execute(query.group_by(offer_code.c.list_key)).all()
        return {
            key: (int(first), None if never else int(last))
            for key, first, last, never in rows
            if first is not None
        }

    def people(
        self, list_keys: Collection[str], now: datetime, end_s: CodeEnd = lambda _, own_s, __: own_s
    ) -> dict[str, tuple[list[int], list[int]]]:
        """Return list → the customers whose code is good, and those whose code has expired.

        ``end_s``: (list, the code's own end, when it was issued) → when it really ends.
        """
        found: dict[str, tuple[list[int], list[int]]] = {key: ([], []) for key in list_keys}
        mine = offer_code.c.customer_no.is_not(None) & offer_code.c.list_key.in_(sorted(found))
        columns = [offer_code.c[name] for name in ("list_key", "customer_no", "expires_s", "issued_s")]
        now_s = to_s(now)
        with self._db.read() as connection:
            for key, customer_no, expires_s, issued_s in connection.execute(sa.select(*columns).where(mine)):
                end = end_s(key, expires_s, issued_s)
                found[key][end is not None and end <= now_s].append(customer_no)
        return found

    def issued(self, strategy: str | None = None) -> list[SentCode]:
        """Return the codes that went out with touches of ``strategy`` (None: of any), each with its touch."""
        columns = touch.c.touch_key, touch.c.offer_cost_fen, offer_code.c.list_key, offer_code.c.code
        query = (
            sa.select(*columns, offer_code.c.issued_s, offer_code.c.expires_s)
            .join(touch, touch.c.touch_no == offer_code.c.touch_no)
            .where(sa.true() if strategy is None else touch.c.strategy == strategy)
            .order_by(offer_code.c.code_no)
        )
        with self._db.read() as connection:
            return [SentCode(*row) for row in connection.execute(query)]

    def holders(self, list_key: str) -> dict[str, int]:
        """Return code → customer of the issued codes of a list, to find their redemptions."""
        issued = offer_code.c.customer_no.is_not(None), offer_code.c.list_key == list_key
        query = sa.select(offer_code.c.code, offer_code.c.customer_no).where(*issued)
        with self._db.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}


def _unreadable(placed: Sequence[tuple[int, str]]) -> Iterator[Problem]:
    for line, code in placed:
        if any(is_hidden(character) for character in code):
            yield line, Message("holds a character that does not show (control, zero-width or formatting)")
        elif not code_key(code):
            yield line, Message("is empty")


def _twins(placed: Sequence[tuple[int, str]]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for line, code in placed:
        key = code_key(code)
        if key and first.setdefault(key, line) != line:
            yield line, Message("reads like line {first}", first=first[key])


def _held(
    connection: sa.Connection, list_key: str, placed: Sequence[tuple[int, str]]
) -> tuple[Held, list[Problem]]:
    """Return the codes that this list holds, and those another list does, or this one written differently."""
    names = ("code_key", "list_key", "code", "code_no", "expires_s", "customer_no")
    mine: Held = {}
    problems: list[Problem] = []
    for part in chunks(placed, CHUNK):
        keys = {code_key(code) for _, code in part} - {""}
        query = sa.select(*(offer_code.c[name] for name in names))
        held: dict[str, set[tuple[str, str]]] = {}
        for key, other_list, code, number, expires_s, customer_no in connection.execute(
            query.where(any_of(connection, offer_code.c.code_key, list(keys)))
        ):
            held.setdefault(key, set()).add((other_list, code))
            if other_list == list_key:
                mine[code] = HeldCode(number, expires_s, issued=customer_no is not None)
        for line, code in part:
            if others := held.get(code_key(code), set()) - {(list_key, code)}:
                lists = ", ".join(sorted({f"'{name}'" for name, _ in others}))
                problems.append((line, Message("reads like a code of list {names}", names=lists)))
    return mine, problems


def _said(list_key: str, problems: Sequence[Problem]) -> str:
    """Return what is wrong by line; a code itself is worth money and is not repeated."""
    named = [Message("line {line} {what}", line=line, what=what) for line, what in sorted(problems)]
    return Message(
        "{list_key}: nothing was added; remove these lines or write them anew:\n", list_key=list_key
    ) + shortened("\n", named, _SHOWN)
