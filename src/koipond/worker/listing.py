"""Lists and tags in (名单与标签导入): from a file of people, by any identifier."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from koipond.bootstrap import App
from koipond.facts.people import ListedPerson
from koipond.ingest.list_rows import line_people, list_columns, table_people
from koipond.kernel import InputError, Message, epoch_day, joined
from koipond.segments.lists import LINES_MAX, SAMPLES_MAX, ListResult, bring_list, find_people
from koipond.segments.ports import TagChange
from koipond.sources import open_file
from koipond.sources.text import list_lines


def people_of(app: App, file: Path, *, source: str, told: Mapping[str, str]) -> Iterator[ListedPerson]:
    """Yield whom the lines of ``file`` name; raise InputError for a file that names nobody."""
    region = app.settings.region
    rows = open_file(file, region=region)
    columns = list_columns(rows.columns, told, rows.file)
    if columns is None:
        return line_people(list_lines(file, LINES_MAX, "id"), source=source, region=region)
    return table_people(rows, columns, source=source, region=region)


def bring_list_file(
    app: App, key: str, file: Path, *, source: str, told: Mapping[str, str], author: str
) -> ListResult:
    """Make the people of ``file`` the whole list ``key``; raise InputError when none of them is known."""
    people = people_of(app, file, source=source, told=told)
    store = app.store
    return bring_list(
        key, people, store.identity, store.handover, store.lists, author=author, now=app.machine.now()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """A tag given by hand to many. ``value``: everybody's; None = each row's own."""

    group: str
    values: Sequence[str]
    exclusive: bool
    value: str | None
    author: str
    reason: str
    until_day: int | None


def bring_tags(app: App, asked: Tagging, file: Path, *, source: str, told: Mapping[str, str]) -> ListResult:
    """Give the people of ``file`` their tags in one transaction.

    Raises InputError, and gives none, when nobody is known or a row has no value that the group allows.
    """
    found = find_people(
        people_of(app, file, source=source, told=told), app.store.identity, app.store.handover
    )
    made = found.result(asked.group)
    changes = []
    wrong = []
    for person, numbers in found.who:
        value = asked.value or person.value
        if numbers and (value is None or (asked.values and value not in asked.values)):
            wrong.append(person.line)
        changes += [
            TagChange(
                customer_no=number,
                tag_group=asked.group,
                value=value,
                author=asked.author,
                reason=asked.reason,
                until_day=asked.until_day,
            )
            for number in sorted(numbers)
        ]
    if wrong:
        allowed = Message(": one of {values}", values=joined(", ", asked.values)) if asked.values else ""
        shown = joined(", ", map(str, wrong[:SAMPLES_MAX]))
        raise InputError(
            "{count:,} rows have no value that '{group}' takes (line {shown}); write it in a "
            "column 'value', or pass --value{allowed}",
            count=len(wrong),
            group=asked.group,
            shown=shown,
            allowed=allowed,
        )
    day = epoch_day(app.observation_day(None))
    app.store.tags.change_tags(changes, exclusive=asked.exclusive, day=day, now=app.clock.now())
    return made
