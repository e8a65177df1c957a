"""Bids (出价): what one arm of one play asks for, as a row of a small table every customer is held against.

Nothing of a strategy is written into an expression: its rates, waits, limits and texts are columns of this
table, so that a plan of a hundred strategies runs the statement of a plan of two. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from koipond.experiments.assignment import arms_of_shares
from koipond.outreach.model import FrequencyCap, Reason
from koipond.strategy.model import SLOTS
from koipond.strategy.plan.task import PlayTask


@dataclass(frozen=True, slots=True)
class Way:
    """How a play reaches a customer; what it takes of a customer is the same for every play of that way."""

    purpose: str
    channels: tuple[str, ...]  # in order of preference
    caps: tuple[FrequencyCap, ...]  # of the strategy itself, beside the contact policy's


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A hash that must fall between two buckets, both included. ``prefix`` stands before the uid."""

    prefix: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """One arm of a play, numbered; of a play that stands still one for each audience, in the first arm."""

    number: int
    play: PlayTask
    arm: int
    audience: str
    way: Way
    still: Reason | None = None
    draws: tuple[Draw, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """What its text cannot do without."""
        return self.play.arms[self.arm].required


def way_of(play: PlayTask) -> Way:
    """Return how ``play`` reaches a customer."""
    purpose = play.play.purpose
    own = tuple(cap for cap in play.strategy.caps if cap.purpose == purpose)
    return Way(purpose, tuple(sheet.channel for sheet in play.channels), own)


def bids_of(plays: Sequence[PlayTask], still: Mapping[int, Reason], salt: str) -> tuple[Bid, ...]:
    """Return the bids of ``plays``; ``still``: play → why it touches nobody today."""
    found: list[Bid] = []
    for play in plays:
        reason, seen = still.get(play.number), set()
        for place, task in enumerate(play.arms):
            audience = task.arm.choice[0]
            if reason is not None and audience in seen:
                continue
            seen.add(audience)
            slots = [slot for slot, _ in play.play.tested() if reason is None or slot == 0]
            found.append(
                Bid(
                    number=len(found),
                    play=play,
                    arm=0 if reason is not None else place,
                    audience=task.arm.audience,
                    way=way_of(play),
                    still=reason,
                    draws=tuple(_draw(play, slot, task.arm.choice[slot], salt) for slot in slots),
                )
            )
    return tuple(found)


def _draw(play: PlayTask, slot: int, variant: str, salt: str) -> Draw:
    """Return the buckets of those who are drawn to ``variant`` once and for all."""
    names = dict(play.play.tested())[slot]
    arms = arms_of_shares(
        salt, f"{play.strategy.key}/{play.play.key}/{SLOTS[slot]}", dict.fromkeys(names, 1.0)
    )
    ((first, last),) = [(first, last) for name, first, last in arms.ranges() if name == variant]
    return Draw(prefix=f"{arms.salt}|{arms.scope}|", first=first, last=last)
