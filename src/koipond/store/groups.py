"""Lists and manual tags on the store (名单, 手动打标签; ports `koipond.segments.ports`)."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from koipond.kernel import InputError
from koipond.segments.ports import ListEntry, ManualTag, TagAct, TagChange
from koipond.store.audit import AuditEntry, write
from koipond.store.bulk import Row, chunks, insert_rows, upsert_rows
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import customer_list, customer_list_member, manual_tag, tag_act

CHUNK = 50_000


class StoredLists:
    """Lists of one workspace (port `ListStore`)."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def replace_list(self, key: str, customer_nos: Sequence[int], *, author: str, now: datetime) -> None:
        """Make ``customer_nos`` the whole list ``key``, in one transaction."""
        rows: list[Row] = [(key, number) for number in sorted(set(customer_nos))]
        newer = "ON CONFLICT (list_key) DO UPDATE SET author = excluded.author, at_s = excluded.at_s"
        with self._db.write() as connection:
            columns = ("list_key", "author", "at_s")
            upsert_rows(connection, customer_list, columns, [(key, author, to_s(now))], newer)
            connection.execute(sa.delete(customer_list_member).where(customer_list_member.c.list_key == key))
            for part in chunks(rows, CHUNK):
                insert_rows(connection, customer_list_member, ("list_key", "customer_no"), list(part))
            subject, detail = f"list:{key}", {"people": len(rows)}
            entry = AuditEntry(at=now, actor=author, action="list.import", subject=subject, detail=detail)
            write(connection, entry)

    def list_members(self, key: str) -> Sequence[int]:
        """Return the customer numbers of list ``key``; raise InputError when there is no such list."""
        mine = customer_list_member.c.list_key == key
        query = sa.select(customer_list_member.c.customer_no).where(mine)
        with self._db.read() as connection:
            known = connection.execute(sa.select(customer_list).where(customer_list.c.list_key == key)).all()
            if not known:
                raise InputError(
                    "there is no list '{key}'; bring it with: koipond lists import {key} FILE", key=key
                )
            return list(connection.scalars(query.order_by(customer_list_member.c.customer_no)))

    def lists(self) -> Sequence[ListEntry]:
        """Return every list, by key."""
        members = sa.func.count(customer_list_member.c.customer_no)
        query = (
            sa.select(customer_list.c.list_key, customer_list.c.author, customer_list.c.at_s, members)
            .join(
                customer_list_member,
                customer_list_member.c.list_key == customer_list.c.list_key,
                isouter=True,
            )
            .group_by(customer_list.c.list_key, customer_list.c.author, customer_list.c.at_s)
            .order_by(customer_list.c.list_key)
        )
        with self._db.read() as connection:
            rows = connection.execute(query).all()
        return [
            ListEntry(key=key, member_count=count, author=author, at=from_s(at_s))
            for key, author, at_s, count in rows
        ]


class StoredTags:
    """Manual tags of one workspace, with author, reason and history (port `TagStore`)."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def change_tags(self, changes: Sequence[TagChange], *, exclusive: bool, day: int, now: datetime) -> int:
        """Record ``changes`` in one transaction; return how many altered something."""
        with self._db.write() as connection:
            made = [one for one in changes if _change(connection, one, exclusive, day, to_s(now))]
            for (author, group), count in Counter((one.author, one.tag_group) for one in made).items():
                subject = f"tag:{group}"
                entry = AuditEntry(
                    at=now, actor=author, action="tags.change", subject=subject, detail={"people": count}
                )
                write(connection, entry)
        return len(made)

    def manual_tags(self) -> Sequence[ManualTag]:
        """Return every manual tag that stands, expired ones included."""
        places = manual_tag.c.customer_no, manual_tag.c.tag_group, manual_tag.c.value
        with self._db.read() as connection:
            rows = connection.execute(sa.select(manual_tag).order_by(*places)).all()
        return [_standing(row) for row in rows]

    def tag_history(self, customer_no: int, limit: int) -> Sequence[TagAct]:
        """Return at most ``limit`` acts on this customer, newest first."""
        query = sa.select(tag_act).where(tag_act.c.customer_no == customer_no).order_by(tag_act.c.seq.desc())
        with self._db.read() as connection:
            return [_act(row) for row in connection.execute(query.limit(limit))]


def _change(connection: sa.Connection, change: TagChange, exclusive: bool, day: int, now_s: int) -> bool:
    group = sa.and_(
        manual_tag.c.customer_no == change.customer_no, manual_tag.c.tag_group == change.tag_group
    )
    before = {row.value: row for row in connection.execute(sa.select(manual_tag).where(group))}
    ended = set(before) if change.value is None else {v for v in before if exclusive and v != change.value}
    old = before.get(change.value or "")
    same = change.value is not None and old is not None and old.until_day == change.until_day
    if not ended and (change.value is None or same):
        return False
    gone = [*ended, *([change.value] if change.value in before else [])]
    connection.execute(sa.delete(manual_tag).where(group, manual_tag.c.value.in_(gone)))
    said = {
        "customer_no": change.customer_no,
        "tag_group": change.tag_group,
        "value": change.value,
        "author": change.author,
        "reason": change.reason,
        "until_day": change.until_day,
        "at_s": now_s,
    }
    if change.value is not None:
        connection.execute(sa.insert(manual_tag).values(from_day=old.from_day if old else day, **said))
    connection.execute(sa.insert(tag_act).values(day=day, **said))
    return True


def _standing(row: Any) -> ManualTag:
    return ManualTag(
        customer_no=row.customer_no,
        tag_group=row.tag_group,
        value=row.value,
        author=row.author,
        reason=row.reason,
        from_day=row.from_day,
        until_day=row.until_day,
        at=from_s(row.at_s),
    )


def _act(row: Any) -> TagAct:
    change = TagChange(
        customer_no=row.customer_no,
        tag_group=row.tag_group,
        value=row.value,
        author=row.author,
        reason=row.reason,
        until_day=row.until_day,
    )
    return TagAct(change=change, day=row.day, at=from_s(row.at_s))
