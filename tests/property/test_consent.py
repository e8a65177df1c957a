"""Consent by a slow second reading: whatever is heard in whatever pieces, a no counts from then on (A14)."""

from hypothesis import given
from hypothesis import strategies as st

from koipond.outreach.consent import ALL, Statement, combine, find, places, standing

CHANNELS, PURPOSES = ("email", "sms"), ("marketing", "profiling")


@st.composite
def said(draw: st.DrawFn) -> list[Statement]:
    """A few statements of a person, several heard at once."""
    rows = []
    for heard_no in sorted(draw(st.lists(st.integers(1, 5), max_size=8))):
        at_s, granted = draw(st.integers(0, 12)), draw(st.booleans())
        channel = draw(st.sampled_from((*CHANNELS, ALL)))
        purpose = draw(st.sampled_from((*PURPOSES, ALL)))
        rows.append(Statement(heard_no, at_s, granted, 2 * heard_no, channel, purpose))
    return draw(st.permutations(rows))


def slow(statements: list[Statement], channel: str, purpose: str) -> bool | None:
    """The rule word by word: try every yes against every no, look at all that came before each."""

    def key(one: Statement) -> tuple[int, int, int]:
        return one.heard_no, one.at_s, 0 if one.granted else 1

    mine = [s for s in statements if s.channel in (channel, "*") and s.purpose in (purpose, "*")]
    noes = [one for one in mine if not one.granted]
    if not noes:
        return True if mine else None
    for yes in (one for one in mine if one.granted):
        if all(key(yes) > key(no) for no in noes) and all(
            _instant(no, mine, key) < yes.at_s <= yes.heard_s for no in noes
        ):
            return True
    return False


def _instant(no, mine, key):  # type: ignore[no-untyped-def]
    return max([no.at_s, *(one.at_s for one in mine if key(one) < key(no))])


@given(said())
def test_every_place_is_what_the_rule_says_word_by_word(statements: list[Statement]) -> None:
    held = places(statements)
    for channel in (*CHANNELS, "channel added later", ALL):
        for purpose in (*PURPOSES, ALL):
            found = find(held, channel, purpose)
            assert (None if found is None else found.granted) == slow(statements, channel, purpose)


@given(said(), said())
def test_merged_people_are_one_log_and_a_no_at_the_address_is_one_of_theirs(
    mine: list[Statement], theirs: list[Statement]
) -> None:
    assert places([*mine, *theirs]) == places([*theirs, *mine])
    refusals = [(place, held) for place, held in places(theirs).items() if not held.granted]
    both = combine(mine, places(theirs).items())
    for (channel, purpose), held in refusals:
        if channel == ALL or purpose == ALL:
            continue
        own = [s for s in mine if s.granted and s.heard_no >= held.heard_no and s.at_s > held.at_s]
        found = find(both, channel, purpose)
        assert found is not None
        assert not found.granted or own


@given(said(), st.integers(0, 30))
def test_a_no_heard_last_shuts_whatever_it_names_whatever_its_stamp(mine: list[Statement], at_s: int) -> None:
    last = Statement(9, at_s, False, 18, ALL, ALL)
    assert not any(held.granted for held in places([*mine, last]).values())


def test_a_grant_stamped_in_the_evening_does_not_beat_the_click_of_the_morning() -> None:
    yes = Statement(1, 16 * 3600, True, 99 * 3600, "email", "marketing")
    click = Statement(2, 10 * 3600, False, 10 * 3600, "email", "marketing")
    held = standing([click, yes])
    assert held is not None
    assert (held.granted, held.at_s) == (False, 16 * 3600)
    ahead = Statement(3, 17 * 3600, True, 17 * 3600 - 1, "email", "marketing")
    assert not places([yes, click, ahead])["email", "marketing"].granted
    later = Statement(3, 17 * 3600, True, 17 * 3600, "email", "marketing")
    assert places([yes, click, later])["email", "marketing"].granted


def test_a_later_yes_opens_just_its_place() -> None:
    held = places([Statement(1, 5, False, 9, ALL, ALL), Statement(2, 6, True, 9, "email", "marketing")])
    assert [find(held, *place).granted for place in (("email", "marketing"), ("sms", "marketing"))] == [
        True,
        False,
    ]  # type: ignore[union-attr]
    assert not find(held, "email", "profiling").granted  # type: ignore[union-attr]
