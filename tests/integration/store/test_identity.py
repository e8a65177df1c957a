from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from koipond.facts.people import PersonKeys
from koipond.ingest.ports import ImportStart
from koipond.kernel import InputError
from koipond.store import PersonFlags, Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def shop(
    name: str, *, source: str = "shop", phone: str | None = None, email: str | None = None
) -> PersonKeys:
    return PersonKeys(source=source, shop_id=name, phone=phone, email=email, verified=True)


def numbers(store: Store, *people: PersonKeys) -> list[int]:
    return [ref.customer_no for ref in store.identity.resolve(people, NOW)]


def survivors(store: Store) -> dict[int, int]:
    rows = store.people.export_links().to_pylist()
    return {row["customer_no"]: row["survivor_no"] for row in rows}


def test_the_same_people_again_are_the_same_customers_numbered_densely(store: Store) -> None:
    people = [shop(f"a{n}", phone=f"+861380000{n:04d}") for n in range(50)]
    first = store.identity.resolve([*people, *people[:5]], NOW)
    assert [ref.customer_no for ref in first] == [*range(1, 51), *range(1, 6)]
    assert len({ref.customer_uid for ref in first}) == 50
    assert store.identity.resolve(people, NOW) == first[:50]
    assert numbers(store, shop("new")) == [51]


def test_a_shop_id_is_scoped_by_its_source(store: Store) -> None:
    assert numbers(store, shop("7"), shop("7", source="other")) == [1, 2]
    assert survivors(store) == {}


def test_a_shared_verified_phone_links_and_each_keeps_its_number(store: Store) -> None:
    people = shop("a", phone="+8613800000001"), shop("b", source="other", phone="+8613800000001")
    assert numbers(store, *people) == [1, 2]
    assert survivors(store) == {2: 1}
    assert numbers(store, *people) == [1, 2]
    assert store.people.count() == 1
    assert [link.kind for link in store.people.links()] == ["phone"]


def test_an_unverified_phone_never_links_but_names_the_customer_of_a_row_without_shop_id(
    store: Store,
) -> None:
    a = PersonKeys(source="s", shop_id="a", phone="+8613800000001")
    b = PersonKeys(source="s", shop_id="b", phone="+8613800000001")
    alone = PersonKeys(source="s", phone="+8613800000002")
    elsewhere = PersonKeys(source="t", phone="+8613800000002")
    assert numbers(store, a, b, alone, elsewhere) == [1, 2, 3, 4]
    assert numbers(store, alone, elsewhere) == [3, 4]
    assert survivors(store) == {}


def test_different_verified_ids_of_one_kind_are_never_merged(store: Store) -> None:
    a = shop("a", phone="+8613800000001", email="x@example.org")
    b = shop("b", phone="+8613800000002", email="x@example.org")
    assert numbers(store, a, b) == [1, 2]
    assert survivors(store) == {}
    assert numbers(store, a, b) == [1, 2]
    assert survivors(store) == {}


def test_a_number_everybody_gives_links_nobody(store: Store) -> None:
    everybody = [shop(f"c{n}", phone="+8610000000000") for n in range(12)]
    numbers(store, *everybody[:3])
    assert survivors(store) == {2: 1, 3: 1}
    numbers(store, *everybody)
    assert survivors(store) == {}


def test_unmerge_restores_both_for_good(store: Store) -> None:
    people = shop("a", phone="+8613800000001"), shop("b", phone="+8613800000001")
    numbers(store, *people)
    (link,) = store.people.links(2)
    assert store.people.unmerge(link.link_no, "wang", NOW) == {1, 2}
    assert survivors(store) == {}
    assert numbers(store, *people) == [1, 2]
    assert survivors(store) == {}
    assert store.people.links(2)[0].undone_at == NOW


def test_a_chain_of_links_has_its_oldest_as_survivor_and_breaks_where_it_is_cut(store: Store) -> None:
    a = shop("a", phone="+8613800000001")
    b = shop("b", email="b@example.org")
    c = shop("c", phone="+8613800000001", email="b@example.org")
    numbers(store, a, b, c)
    assert survivors(store) == {2: 1, 3: 1}
    cut = next(link for link in store.people.links() if link.kind == "email")
    store.people.unmerge(cut.link_no, "wang", NOW)
    assert survivors(store) == {3: 1}


def test_no_identifier_is_kept_in_clear(store: Store) -> None:
    numbers(store, shop("customer-4711", phone="+8613800000001", email="someone@example.org"))
    with store.database.read() as connection:
        rows = connection.execute(sa.text("SELECT * FROM identifier")).all()
    assert len(rows) == 3
    for clear in ("4711", "138000", "someone"):
        assert clear not in repr(
            [[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in rows]
        )


def test_addresses_come_back_verified_first_from_any_linked_customer(store: Store) -> None:
    numbers(store, PersonKeys(source="s", shop_id="a", email="old@example.org"))
    numbers(store, PersonKeys(source="s", shop_id="a", email="sure@example.org", verified=True))
    numbers(store, shop("b", email="sure@example.org"), shop("c"))
    assert store.people.addresses([1, 2, 3], "email") == {1: "sure@example.org", 2: "sure@example.org"}
    reachable = store.people.export_reachable({"email": "email"}).to_pylist()
    assert sorted((row["customer_no"], row["channel"]) for row in reachable) == [(1, "email"), (2, "email")]


def test_an_operator_finds_a_person_by_any_of_their_identifiers(store: Store) -> None:
    (ref,) = store.identity.resolve([shop("77", phone="+8613800000001")], NOW)
    assert store.people.find("77", "shop") == [ref]
    for words in ("+8613800000001", ref.customer_uid, "1"):
        assert store.people.find(words) == [ref]
    assert store.people.find("nobody") == []


def test_a_phone_is_found_as_people_write_it_and_before_a_number_of_ours(store: Store) -> None:
    start = ImportStart(kind="customers", source="shop", file="a.csv", fingerprint="0")
    store.imports.begin(start, NOW)
    refs = store.identity.resolve(
        [PersonKeys(source="s", phone="+8613800000001", email="a@example.org", verified=True), shop("1")], NOW
    )
    for words in ("13800000001", "138 0000 0001", "+86 138-0000-0001", "A@Example.org"):
        assert store.people.find(words) == [refs[0]]
    assert store.people.find("13800000001", region="ID") == []
    assert store.people.find("1") == [refs[1]], "our number 1 is somebody else: the shop id wins"
    assert store.people.find("2") == [refs[1]]


def test_a_row_that_identifies_nobody_is_refused_and_creates_nobody(store: Store) -> None:
    with pytest.raises(InputError, match="no identifier"):
        numbers(store, shop("a"), PersonKeys(source="shop"))
    assert store.people.count() == 0


def test_flags_change_only_what_they_name(store: Store) -> None:
    numbers(store, shop("a"), shop("b"))
    store.people.set_flags([PersonFlags(customer_no=1, staff=True), PersonFlags(customer_no=2, minor=True)])
    store.people.set_flags([PersonFlags(customer_no=1, zone="Asia/Jakarta")])
    with store.database.read() as connection:
        rows = connection.execute(
            sa.text("SELECT staff, minor, zone FROM customer ORDER BY customer_no")
        ).all()
    assert [(bool(s), bool(m), z) for s, m, z in rows] == [(True, False, "Asia/Jakarta"), (False, True, None)]


def test_flags_are_what_the_imports_say(store: Store) -> None:
    import pyarrow as pa

    numbers(store, shop("a"), shop("b"), shop("c"))

    def flags() -> list[tuple[bool, ...]]:
        with store.database.read() as connection:
            names = "staff, minor, profiling_refused"
            rows = connection.execute(sa.text(f"SELECT {names} FROM customer ORDER BY customer_no")).all()
        return [tuple(map(bool, row)) for row in rows]

    def said(*rows: tuple[int, bool, bool, bool | None]) -> pa.Table:
        names = ["customer_no", "staff", "minor", "profiling_refused"]
        return pa.Table.from_pylist(
            [dict(zip(names, row, strict=True)) for row in rows],
            schema=pa.schema([(names[0], pa.int32()), *((name, pa.bool_()) for name in names[1:])]),
        )

    assert store.people.mirror_flags(said((1, True, False, None), (2, False, True, True))) == 2
    assert flags() == [(True, False, False), (False, True, True), (False, False, False)]
    assert store.people.mirror_flags(said((1, True, False, None), (2, False, True, True))) == 0
    assert store.people.mirror_flags(said((3, True, False, False))) == 3
    assert flags() == [(False, False, False), (False, False, False), (True, False, False)]


def test_two_processes_that_meet_the_same_people_agree(open_store: Callable[[], Store]) -> None:
    import threading

    people = [shop(f"p{n}", phone=f"+861380000{n:04d}") for n in range(300)]
    stores = [open_store() for _ in range(3)]
    found: list[list[int]] = [[], [], []]

    def meet(place: int) -> None:
        order = people if place == 0 else people[::-1] if place == 1 else people[150:] + people[:150]
        found[place] = numbers(stores[place], *order)

    threads = [threading.Thread(target=meet, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found[0] == found[1][::-1] == found[2][150:] + found[2][:150]
    assert sorted(found[0]) == list(range(1, 301))


def test_finding_people_creates_nobody(store: Store) -> None:
    known = store.identity.resolve([PersonKeys(source="s", shop_id="a")], NOW)[0]
    asked = [PersonKeys(source="s", shop_id="b"), PersonKeys(source="s", shop_id="a")]
    assert store.identity.find(asked) == [None, known.customer_no]
    assert store.identity.find(asked) == [None, known.customer_no]
