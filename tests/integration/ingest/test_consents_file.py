"""Consents from files: withdrawals fail closed, a word nobody knows refuses the whole file (A15, A25)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.testing.memory import NOW, MemoryWorkspace

HEAD = "customer_id,channel,purpose,status,at\n"
NOW_S = int(NOW.timestamp())


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "space", zone_name="Asia/Shanghai")


def load(space: MemoryWorkspace, rows: str, head: str = HEAD, name: str = "said.csv", **options: object):  # type: ignore[no-untyped-def]
    return space.load("consents", space.write(name, head + rows), **options)


def held(space: MemoryWorkspace) -> list[tuple[object, ...]]:
    return [
        tuple(row.values()) for row in space.rows("consents", "customer_no", "channel", "purpose", "granted")
    ]


@pytest.mark.parametrize(
    "at", ["2026-01-03 10:00", "2026-01-03", "2027-05-01T00:00:00Z", "", "soon", "2026-01-01 08:00:01"]
)
def test_a_no_stamped_ahead_or_without_a_time_is_in_force_now(space: MemoryWorkspace, at: str) -> None:
    """A15."""
    load(space, "1,email,marketing,yes,2025-12-30 10:00\n", name="yes.csv")
    found = load(space, f"1,email,marketing,no,{at}\n2,email,marketing,no,2025-12-01 10:00\n")
    assert (found.kept, found.quarantined) == (2, {})
    assert found.notes["withdrawals_counted_from_now"] == 1
    row = next(row for row in space.rows("consents") if row["customer_no"] == 1)
    assert (row["granted"], row["at_s"]) == (False, NOW_S)


def test_a_no_of_a_day_counts_to_its_end_and_a_yes_of_a_day_from_its_start(space: MemoryWorkspace) -> None:
    load(space, "1,email,marketing,no,2025-12-20\n2,email,marketing,yes,2025-12-20\n")
    rows = {row["customer_no"]: row["at_s"] for row in space.rows("consents")}
    assert rows[1] == int(datetime(2025, 12, 20, 15, 59, 59, tzinfo=UTC).timestamp())
    assert rows[2] == int(datetime(2025, 12, 19, 16, tzinfo=UTC).timestamp())
    same_day = load(space, "1,email,marketing,yes,2025-12-20 18:00\n", name="b.csv")
    assert same_day.changes == {"consents_new": 1}
    assert held(space)[0] == (1, "email", "marketing", False)
    load(
        space,
        "1,email,marketing,yes,2025-12-21 00:00\n2,email,marketing,yes,2025-12-21 00:01\n",
        name="c.csv",
    )
    assert held(space)[0] == (1, "email", "marketing", True)


def test_a_file_of_nothing_but_noes_needs_neither_times_nor_channels(space: MemoryWorkspace) -> None:
    load(space, "1,unsubscribed\n2,退订\n", head="customer_id,status\n")
    assert held(space) == [(1, "*", "marketing", False), (2, "*", "marketing", False)]
    found = load(space, "3,email,marketing,no,01/02/2025\n4,email,marketing,no,x\n", name="odd.csv")
    assert (found.kept, found.notes["withdrawals_counted_from_now"]) == (2, 2)


@pytest.mark.parametrize(
    "word",
    [
        "all",
        "ALL",
        " All ",
        "*",
        "＊",
        "any",
        "every",
        "every channel",
        "全部",
        "所有",
        "全渠道",
        "全 渠 道",
        "semua",
        *["Semua Kanal", "ＡＬＬ", "all-channels", "所有渠道", ""],
    ],
)
def test_a_no_for_every_channel_in_any_word_is_one(space: MemoryWorkspace, word: str) -> None:
    """A25."""
    load(space, f'1,"{word}",marketing,no,2025-12-20 10:00\n')
    assert held(space) == [(1, "*", "marketing", False)]


@pytest.mark.parametrize(
    "word",
    [
        *("email,sms", "sms; email", "Email / SMS", "邮件、短信", "邮箱和短信", "email dan sms", "email|sms"),
        *("email and sms", '["email", "sms"]', "email+sms,email", "email,,sms,"),
    ],
)
def test_a_word_that_names_several_channels_counts_for_each(space: MemoryWorkspace, word: str) -> None:
    for status, granted in (("yes", True), ("no", False)):
        quoted = word.replace('"', '""')
        load(space, f'1,"{quoted}",marketing,{status},2025-12-2{granted:d} 10:00\n')
        assert held(space) == [(1, "email", "marketing", granted), (1, "sms", "marketing", granted)]


def test_a_list_of_channels_and_purposes_counts_for_every_pair(space: MemoryWorkspace) -> None:
    load(space, '1,"email,sms","marketing,profiling",no,2025-12-20 10:00\n')
    assert len(held(space)) == 4
    load(space, '2,"email,all",marketing,no,2025-12-20 10:00\n')
    assert (2, "*", "marketing", False) in held(space)


def test_a_list_with_a_channel_nobody_knows_is_refused_and_says_how_to_write_it(
    space: MemoryWorkspace,
) -> None:
    with pytest.raises(InputError, match="channel 'email,fax' is not known") as refused:
        load(space, '1,"email,fax",marketing,no,2025-12-20 10:00\n')
    assert "several with commas" in str(refused.value)
    assert held(space) == []


@pytest.mark.parametrize("word", ["all", "*", "全部", "semua tujuan", "every purpose"])
def test_a_no_for_every_purpose_in_any_word_is_one(space: MemoryWorkspace, word: str) -> None:
    load(space, f"1,email,{word},no,2025-12-20 10:00\n")
    assert held(space) == [(1, "email", "*", False)]


@pytest.mark.parametrize(
    "word",
    [
        "stop",
        "STOP",
        "do not contact",
        "DND",
        "opt-out",
        "Opt_Out",
        "unsubscribe",
        "Unsubscribed",
        "退订",
        "拒收",
        *["berhenti", "tidak", "n", "No", "0", "FALSE", "勿扰", "blacklist", "jangan hubungi", "取消订阅"],
    ],
)
def test_the_usual_words_for_no_are_known(space: MemoryWorkspace, word: str) -> None:
    load(space, f"1,email,marketing,{word},2025-12-20 10:00\n")
    assert held(space) == [(1, "email", "marketing", False)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2,email,marketing,perhaps,2025-12-20 10:00", "row 3: status 'perhaps' is not known"),
        ("2,fax,marketing,no,2025-12-20 10:00", "row 3: channel 'fax' is not known"),
        ("2,email,gossip,no,2025-12-20 10:00", "row 3: purpose 'gossip' is not known"),
        ("2,email,marketing,,2025-12-20 10:00", "row 3: status is empty"),
        ("2,email,marketing,-1,2025-12-20 10:00", "row 3: status '-1' is not known"),
        ("2,email,marketing,T,2025-12-20 10:00", "row 3: status 'T' is not known"),
        ("2,a@b.org,marketing,no,2025-12-20 10:00", "row 3: channel '•••' is not known"),
    ],
)
def test_a_word_nobody_knows_refuses_the_whole_file(space: MemoryWorkspace, row: str, said: str) -> None:
    """A25: nothing is kept without effect."""
    with pytest.raises(InputError) as refused:
        load(space, f"1,email,marketing,no,2025-12-20 10:00\n{row}\n3,sms,marketing,no,2025-12-20 10:00\n")
    assert said in str(refused.value)
    assert "known as" in str(refused.value)
    assert "a@b.org" not in str(refused.value)
    assert held(space) == []
    assert space.journal.entries(5) == []
    assert space.identities.resolve([], NOW) == []


def test_the_operator_may_say_what_a_word_means(space: MemoryWorkspace) -> None:
    load(space, "1,email,marketing,perhaps,2025-12-20 10:00\n", statuses={"perhaps": "false"})
    assert held(space) == [(1, "email", "marketing", False)]


def test_t_and_f_together_are_truth_values(space: MemoryWorkspace) -> None:
    load(space, "1,email,marketing,t,2025-12-20 10:00\n2,email,marketing,f,2025-12-20 10:00\n")
    assert [row[-1] for row in held(space)] == [True, False]


def test_the_same_file_without_times_is_heard_once(space: MemoryWorkspace) -> None:
    text = "1,unsubscribed\n"
    assert not load(space, text, head="customer_id,status\n").repeated
    assert load(space, text, head="customer_id,status\n").repeated


@pytest.mark.parametrize("column", ["unsubscribed", "Opted out", "退订", "do not contact", "DND"])
def test_a_yes_to_leaving_is_a_no(space: MemoryWorkspace, column: str) -> None:
    text = "1,yes,email,2025-12-01 10:00\n2,no,email,2025-12-01 10:00\n3,stop,email,2025-12-01 10:00\n"
    load(space, text, head=f"customer_id,{column},channel,at\n", mapping={"status": column})
    assert [row[-1] for row in held(space)] == [False, True, False]


def test_a_no_of_several_addresses_is_one_of_each(space: MemoryWorkspace) -> None:
    head = "email,channel,status,at\n"
    people = "cy@example.com", "eve@example.com", "bo@example.com"
    load(space, "".join(f"{one},email,yes,2025-12-01 10:00\n" for one in people), head=head, name="yes.csv")
    rows = "mailto:Cy@example.com,email,unsubscribed,\neve@example.com;bo@example.com,email,unsubscribed,\n"
    found = load(space, rows, head=head)
    assert (found.kept, found.quarantined, found.notes["withdrawals"]) == (2, {}, 3)
    assert found.notes["customers_new"] == 0
    assert held(space) == [(no, "email", "marketing", False) for no in (1, 2, 3)]


def test_an_address_that_cannot_be_read_beside_others_puts_the_row_aside(space: MemoryWorkspace) -> None:
    head = "email,phone,channel,status,at\n"
    rows = (
        "a@example.com;b@,13800138000 13800138001,email,no,2025-12-01 10:00\n"
        "c@example.com;d@,,email,yes,2025-12-01 10:00\n"
        "Di <di@example.com>,,email,no,2025-12-01 10:00\n"
    )
    found = load(space, rows, head=head)
    assert (found.read, found.kept, found.quarantined) == (3, 0, {"missing_customer": 3})
    assert (found.notes["withdrawals"], found.notes["withdrawals_put_aside"]) == (3, 2)
    assert {row[3] for row in held(space)} == {False}
    assert len(held(space)) == 3
