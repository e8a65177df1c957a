"""What an import says of further columns of customers (属性说明): kept, left out, or more than a trait.

A column of yes and no about friends or consent is kept as a trait and moves no flag and no permission:
unsaid, rules about friends count 0 and a no stops nobody.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.mapping import ColumnMap, own_name, plain_name
from koipond.ingest.privacy import masked
from koipond.ingest.words import word_table
from koipond.kernel import Message, some_of

_SHOWN = 5
_WORDS_MAX = 100
CONSENT = "consent"
_LOOKS: Mapping[str, re.Pattern[str]] = {
    CONSENT: re.compile(
        r"订阅|退订|拒收|免打扰|接收|同意|授权|subscri|opt(ed)?(in|out)|consent|newsletter|accepts|marketing"
        r"|donot(contact|disturb|call)|langganan|setuju"
    ),
    "friend": re.compile(r"企微|企业微信|加微信|好友|wecom|friend|teman"),
    "follower": re.compile(r"关注|粉丝|follow|pengikut"),
    "staff": re.compile(r"员工|staff|employee|karyawan"),
    "minor": re.compile(r"未成年|minor|underage|dibawahumur"),
    "member": re.compile(r"会员|member|anggota"),
}
"""What a plain header says it is about: the first that fits; its values decide whether it is a yes or no."""
_TIER = re.compile(
    r"(会员|客户|用户|顾客|买家|vip)(等级|级别|层级)|(member(ship)?|vip|loyalty|customer)(level|tier|grade|rank|class)"
    r"|(tingkat|level|kelas|tier)(an)?(member|anggota|keanggotaan|pelanggan|vip|loyalitas)"
)
"""What a plain header of the shop's own ranks of customers looks like."""


def further_traits(writer: Writer, traits: IbisTable | None, named: Collection[str]) -> tuple[str, ...]:
    """Return the names that further columns are kept under; ``named`` are traits that fields hold."""
    if traits is None:
        return ()
    names = writer.frame(traits.select("name").distinct().order_by("name"))["name"].to_pylist()
    return tuple(name for name in names if name not in named)


def remarks_on_left_out(dropped: Mapping[str, int]) -> tuple[str, ...]:
    """Return what is to be said of values that were left out since they identify people, by column."""
    if not dropped:
        return ()
    return (
        Message(
            "{count:,} values that may identify a person were left out, in {columns}; to keep a column as it "
            "is: --keep COLUMN",
            count=sum(dropped.values()),
            columns=some_of([masked(name) for name in dropped], _SHOWN),
        ),
    )


def remarks_on_tiers(columns: Collection[str], *, are_traits: bool) -> tuple[str, ...]:
    """Return what is to be said of ``columns`` that hold the shop's own member tier: what a rule reads it by,
    or how it gets there from a file whose kind has no traits.
    """
    found = [column for column in columns if _TIER.search(plain_name(own_name(column)))]
    if not found:
        return ()
    shown = some_of([masked(column) for column in found], _SHOWN)
    if not are_traits:
        return (
            Message(
                "{columns} tells of customers and an import of orders does not use it: to keep it as a "
                "trait, import a file of customers that has it: koipond import customers FILE",
                columns=shown,
            ),
        )
    return (
        Message(
            "{columns} is kept as a trait alone: it sets no layer or grade and not the field member; rules "
            'read it as trait."{name}" = "…"',
            columns=shown,
            name=masked(own_name(found[0])),
        ),
    )


def remarks_on_flags(
    writer: Writer, traits: IbisTable | None, kept: Sequence[str], mapping: ColumnMap
) -> tuple[str, ...]:
    """Return which traits ``kept`` look like a field or a consent, by name and all their values."""
    looks = {name: found for name in kept if (found := _look(name)) is not None}
    if traits is None or not looks:
        return ()
    rows = traits.filter(traits["name"].isin([*looks])).select("name", "text_value").distinct()
    few = rows.group_by("name").agg(words=rows.count()).filter(lambda t: t["words"] <= _WORDS_MAX)
    words: dict[str, set[str]] = {}
    for row in writer.frame(rows.semi_join(few, "name")).to_pylist():
        words.setdefault(row["name"], set()).add(plain_name(row["text_value"]))
    return tuple(
        _remark(name, look)
        for name, look in looks.items()
        if look not in mapping and words.get(name, {""}) <= _known_words(look).keys()
    )


def _look(name: str) -> str | None:
    plain = plain_name(name)
    return next((look for look, pattern in _LOOKS.items() if pattern.search(plain)), None)


def _known_words(look: str) -> Mapping[str, str]:
    return word_table(CONSENT if look == CONSENT else "truth")


def _remark(name: str, look: str) -> str:
    if look == CONSENT:
        return Message(
            "{column} is kept as a trait: it permits and refuses nothing; to record it as consent: koipond "
            "import consents FILE --map status={column} (without a column for the channel a no counts for "
            "all of them)",
            column=masked(name),
        )
    return Message(
        "{column} is kept as a trait: it sets no field; to set {field} by it: --map {field}={column}",
        column=masked(name),
        field=look,
    )
