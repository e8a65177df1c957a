"""Rows of a customers file → customers and traits; and the customers that any import meets first."""

from collections.abc import Mapping
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.archive import as_facts, retire
from koipond.ingest.door import OTHERS
from koipond.ingest.functions import members
from koipond.ingest.model import ImportRequest
from koipond.ingest.timing import Setting
from koipond.ingest.trait_types import typed

FLAGS = ("member", "follower", "friend", "staff", "minor", "profiling_refused")
_HELD = ("joined_s", "joined_day", *FLAGS)


def know_customers(writer: Writer, judged: IbisTable, people: IbisTable, import_no: int) -> int:
    """Add the customers of good rows that the warehouse does not know yet, and how they can be reached.

    ``people``: customer_no, customer_uid, has_phone, has_email as the file names them.
    """
    good = judged.filter(judged["rule"].isnull()).select("customer_no").distinct()
    named = people.semi_join(good, "customer_no")
    people = named.group_by("customer_no").agg(
        customer_uid=named["customer_uid"].min(),
        phone=named["has_phone"].any(),
        email=named["has_email"].any(),
    )
    people = writer.cache("import_customers", people)
    number = ibis.literal(import_no, type="int32")
    new = people.anti_join(writer.table("customers"), "customer_no").mutate(import_no=number)
    added = writer.append("customers", as_facts("customers", new).order_by("customer_no"))
    if writer.scalar(people.filter(people["phone"] | people["email"]).count()):
        ways = [
            people.filter(people[field]).select(
                "customer_no", channel=ibis.literal(channel), import_no=number
            )
            for field, channel in (("phone", "sms"), ("email", "email"))
        ]
        reach = ibis.union(*ways).anti_join(writer.table("reachable"), ["customer_no", "channel"])
        writer.append("reachable", as_facts("reachable", reach).order_by("customer_no"))
    return added


def write_customers(writer: Writer, judged: IbisTable, import_no: int) -> dict[str, int]:
    """Bring what the file says about known customers into ``customers``; a missing value changes nothing."""
    good = judged.filter(judged["rule"].isnull())
    said = good.group_by("customer_no").agg(**{name: good[name].argmax(good["row"]) for name in _HELD})
    live = writer.table("customers")
    both = live.inner_join(said, "customer_no", rname="said_{name}")
    differs = ibis.or_(
        *(both[f"said_{n}"].notnull() & ~both[f"said_{n}"].identical_to(both[n]) for n in _HELD)
    )
    changed = both.filter(differs).mutate(
        **{name: both[f"said_{name}"].coalesce(both[name]) for name in _HELD},
        was_new=both["import_no"] == import_no,
        import_no=ibis.literal(import_no, type="int32"),
    )
    write = writer.cache("write_customers", changed)
    fresh = write.filter(write["was_new"]).select("customer_no")
    old = write.filter(~write["was_new"]).select("customer_no")
    writer.remove("customers", fresh, ["customer_no"])
    replaced = retire(writer, "customers", old, ["customer_no"], import_no)
    writer.append("customers", as_facts("customers", write).order_by("customer_no"))
    return {"customers_changed": replaced}


def write_traits(
    writer: Writer,
    judged: IbisTable,
    named: Mapping[str, Any],
    request: ImportRequest,
    now_s: int,
    import_no: int,
    *,
    setting: Setting,
    file: str,
) -> tuple[IbisTable | None, dict[str, int]]:
    """Write new and changed traits; return the traits that the file holds, and the changes.

    ``named``: trait → expression over ``judged``; further columns, cleaned at the door, are traits as well. A
    trait is one value a customer, name and source: a newer one replaces it. Of two of one name in a row the
    field counts: the other keeps its whole name. ``file`` is named when a declared trait cannot be read.
    """
    good = judged.filter(judged["rule"].isnull())
    good = good.mutate(at_s=good["updated_s"].fill_null(now_s))
    parts = [
        good.filter(value.notnull()).select(
            "customer_no", "row", "at_s", name=ibis.literal(name), text_value=value
        )
        for name, value in named.items()
    ]
    if OTHERS in good.columns:
        one = good.select("customer_no", "row", "at_s", member=members(good[OTHERS]).unnest())
        name = one["member"]["key"]
        if named:
            name = ibis.ifelse(name.isin(list(named)), ibis.literal("traits.").concat(name), name)
        parts.append(one.select("customer_no", "row", "at_s", name=name, text_value=one["member"]["value"]))
    if not parts:
        return None, {"traits_written": 0}
    traits = writer.cache("import_traits_all", ibis.union(*parts))
    place = ibis.row_number().over(
        group_by=[traits["customer_no"], traits["name"]],
        order_by=[ibis.desc(traits["at_s"]), ibis.desc(traits["row"])],
    )
    traits = traits.mutate(place=place).filter(lambda t: t["place"] == 0)
    traits = writer.cache("import_traits_newest", traits)
    read, unread = typed(writer, traits, request, setting, file)
    traits = read.mutate(
        source=ibis.literal(request.source),
        import_no=ibis.literal(import_no, type="int32"),
    )
    written = _replace_traits(writer, as_facts("traits", traits), import_no)
    return read, {"traits_written": written} | unread


def _replace_traits(writer: Writer, traits: IbisTable, import_no: int) -> int:
    key = ["customer_no", "name", "source"]
    traits = writer.cache("import_traits", traits)
    live = writer.table("traits")
    standing = live.inner_join(traits, key, rname="new_{name}")
    same = standing["text_value"] == standing["new_text_value"]
    stands = standing.filter(same | (standing["at_s"] > standing["new_at_s"])).select(*key)
    write = writer.cache("write_traits", traits.anti_join(stands, key))
    gone = writer.cache("gone_traits", live.semi_join(write, key).select(*key))
    retire(writer, "traits", gone, key, import_no)
    return writer.append("traits", write.order_by("customer_no", "name"))
