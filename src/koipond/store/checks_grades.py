"""Held grades against the record of their changes (保级核查): neither may have a step the other lacks."""

from collections.abc import Iterator

import sqlalchemy as sa

from koipond.kernel import Message
from koipond.store.tables import grade_change, held_grade

_NONE = "none"


def held_grades(connection: sa.Connection) -> Iterator[str]:
    """Each change begins where the one before it ended, and the last one ends at what is held."""
    change = grade_change.c
    before = sa.func.lag(change.to_grade).over(partition_by=change.customer_no, order_by=change.change_no)
    newest = change.change_no.desc()
    rank = sa.func.row_number().over(partition_by=change.customer_no, order_by=newest)
    steps = sa.select(
        change.customer_no,
        change.change_no,
        sa.func.coalesce(change.from_grade, _NONE).label("begins"),
        sa.func.coalesce(change.to_grade, _NONE).label("ends"),
        sa.func.coalesce(before, _NONE).label("stood"),
        rank.label("rank"),
    ).subquery()
    torn = sa.select(steps).where(steps.c.begins != steps.c.stood).order_by(steps.c.change_no)
    for row in connection.execute(torn):
        yield (
            Message(
                "customer {customer_no}: change {change_no} begins at {begins}, the one before it "
                "ended at {stood}",
                customer_no=row.customer_no,
                change_no=row.change_no,
                begins=row.begins,
                stood=row.stood,
            )
        )
    last = sa.select(steps.c.customer_no, steps.c.ends).where(steps.c.rank == 1).subquery()
    yield from _differing(connection, last)


def _differing(connection: sa.Connection, last: sa.Subquery) -> Iterator[str]:
    held, ends = sa.func.coalesce(held_grade.c.grade, _NONE), sa.func.coalesce(last.c.ends, _NONE)
    both = last.c.customer_no == held_grade.c.customer_no
    told = sa.select(last.c.customer_no, held.label("holds"), ends.label("ended"))
    told = told.select_from(last.outerjoin(held_grade, both)).where(held != ends)
    untold = sa.select(held_grade.c.customer_no, held.label("holds"), ends.label("ended"))
    untold = untold.select_from(held_grade.outerjoin(last, both)).where(last.c.customer_no.is_(None))
    for query in (told, untold):
        for row in connection.execute(query.order_by(query.selected_columns.customer_no)):
            yield Message(
                "customer {customer_no} holds {holds}, the last change says {ended}",
                customer_no=row.customer_no,
                holds=row.holds,
                ended=row.ended,
            )
