"""What holds of consent (授权): a person's statements, read in the order in which they were heard. Pure.

- A no always takes force. Its instant is the latest of its own stamp and of what was heard before it:
  whatever stamp a grant carried, it was given before that no.
- A yes takes force over a no only when it was heard later, is stamped after the no's instant, and not ahead
  of the moment at which it was heard.
- What was heard at once, such as one import, is a history: it is read by its stamps, a no after a yes of the
  same instant.

`ALL` as a channel or purpose means every one, also those added later. Merged customers and people at one
address are judged by the same rule over what all of them said. Source: docs/decisions/0012.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

ALL = "*"
Place = tuple[str, str]
"""Channel and purpose."""


class Statement(NamedTuple):
    """A yes or no about ``channel`` and ``purpose``; what was heard at once shares ``heard_no``."""

    heard_no: int
    at_s: int
    granted: bool
    heard_s: int
    channel: str
    purpose: str


class Standing(NamedTuple):
    """What holds: since which instant, by a statement heard when."""

    granted: bool
    at_s: int
    heard_no: int
    heard_s: int

    def said_at(self, channel: str, purpose: str) -> Statement:
        """Return it as a statement about a place, to be judged together with those of others."""
        return Statement(self.heard_no, self.at_s, self.granted, self.heard_s, channel, purpose)


def standing(statements: Iterable[Statement]) -> Standing | None:
    """Return what holds after ``statements``, all of which speak of one place; None when there is none."""
    held: Standing | None = None
    no_s: int | None = None
    granted_s: int | None = None
    for said in sorted(statements, key=_order):
        if not said.granted:
            no_s = max(value for value in (said.at_s, no_s, granted_s) if value is not None)
            held = Standing(False, no_s, said.heard_no, said.heard_s)
            continue
        granted_s = said.at_s if granted_s is None else max(granted_s, said.at_s)
        if no_s is not None and not no_s < said.at_s <= said.heard_s:
            continue
        if held is None or not held.granted or said.at_s >= held.at_s:
            held = Standing(True, said.at_s, said.heard_no, said.heard_s)
    return held


def places(statements: Iterable[Statement]) -> dict[Place, Standing]:
    """Return what holds at each place that ``statements`` speak of; for others see `find`."""
    said = list(statements)
    if len(said) == 1:
        [one] = said
        return {(one.channel, one.purpose): Standing(one.granted, one.at_s, one.heard_no, one.heard_s)}
    channels = {ALL, *(one.channel for one in said)}
    purposes = {ALL, *(one.purpose for one in said)}
    found = {}
    for channel in channels:
        near = [one for one in said if one.channel in (channel, ALL)]
        for purpose in purposes:
            held = standing(one for one in near if one.purpose in (purpose, ALL))
            if held is not None:
                found[channel, purpose] = held
    return found


def find(held: Mapping[Place, Standing], channel: str, purpose: str) -> Standing | None:
    """Return what holds at a place: said of it, else of every purpose or channel; None for silence."""
    for place in ((channel, purpose), (channel, ALL), (ALL, purpose), (ALL, ALL)):
        if place in held:
            return held[place]
    return None


def combine(
    own: Iterable[Statement], refusals: Iterable[tuple[Place, Standing]] = ()
) -> dict[Place, Standing]:
    """Return what holds for one person: what all merged customers said, and who refused at a shared address.

    ``refusals``: places that co-holders of an address have shut. Their grants open nothing for others.
    """
    foreign = (held.said_at(*place) for place, held in refusals if not held.granted)
    return places([*own, *foreign])


def _order(said: Statement) -> tuple[int, int, bool]:
    return said.heard_no, said.at_s, not said.granted
