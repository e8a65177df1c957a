"""Lists and manual tags in memory (ports `ListStore`, `TagStore`)."""

from collections.abc import Sequence
from datetime import datetime

from koipond.kernel import InputError
from koipond.segments.ports import ListEntry, ManualTag, TagAct, TagChange


class MemoryLists:
    """Lists of customers, by key."""

    def __init__(self, **lists: Sequence[int]) -> None:
        self._members: dict[str, tuple[int, ...]] = {key: tuple(nos) for key, nos in lists.items()}
        self._entries: dict[str, ListEntry] = {}

    def replace_list(self, key: str, customer_nos: Sequence[int], *, author: str, now: datetime) -> None:
        self._members[key] = tuple(sorted(set(customer_nos)))
        count = len(self._members[key])
        self._entries[key] = ListEntry(key=key, member_count=count, author=author, at=now)

    def list_members(self, key: str) -> Sequence[int]:
        if key not in self._members:
            raise InputError(f"there is no list '{key}'")
        return self._members[key]

    def lists(self) -> Sequence[ListEntry]:
        return [self._entries[key] for key in sorted(self._entries)]


class MemoryTags:
    """Manual tags and every act on them."""

    def __init__(self) -> None:
        self._tags: dict[tuple[int, str, str], ManualTag] = {}
        self._acts: list[TagAct] = []

    def change_tags(self, changes: Sequence[TagChange], *, exclusive: bool, day: int, now: datetime) -> int:
        return sum(self._change(change, exclusive, day, now) for change in changes)

    def _change(self, change: TagChange, exclusive: bool, day: int, now: datetime) -> bool:
        mine = [key for key in self._tags if key[:2] == (change.customer_no, change.tag_group)]
        if change.value is None:
            ended, given = mine, None
        else:
            key = (change.customer_no, change.tag_group, change.value)
            before = self._tags.get(key)
            given = ManualTag(
                customer_no=change.customer_no,
                tag_group=change.tag_group,
                value=change.value,
                author=change.author,
                reason=change.reason,
                from_day=before.from_day if before else day,
                until_day=change.until_day,
                at=now,
            )
            ended = [other for other in mine if exclusive and other != key]
            if before is not None and before.until_day == change.until_day and not ended:
                return False
            self._tags[key] = given
        for key in ended:
            del self._tags[key]
        if not ended and given is None:
            return False
        self._acts.append(TagAct(change=change, day=day, at=now))
        return True

    def manual_tags(self) -> Sequence[ManualTag]:
        return [self._tags[key] for key in sorted(self._tags)]

    def tag_history(self, customer_no: int, limit: int) -> Sequence[TagAct]:
        mine = [act for act in self._acts if act.change.customer_no == customer_no]
        return list(reversed(mine))[:limit]
