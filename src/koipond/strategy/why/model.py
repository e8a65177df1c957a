"""An explanation as values: which segments a customer is in, and what becomes of each play. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from koipond.outreach.model import Reason

Words = Mapping[str, str]
"""Language (zh, en, id) → sentence."""

Outcome = Literal["touch", "left_in_peace", "not_in_audience"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionProof:
    """One line of a proof: a condition or a group of them as the rule has it, and whether it holds.

    A ``not`` is part of its line: "has not bought S2". ``depth``: how many groups the line stands in.
    """

    words: Words
    holds: bool
    depth: int = 0
    group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentProof:
    """Whether a customer is in a segment, condition by condition; ``note`` when it could not be read.

    ``name``: what the brand calls the segment. ``unmet``: only what really fails, as it would have to be.
    """

    segment: str
    name: Words
    member: bool
    words: Words
    lines: tuple[ConditionProof, ...]
    unmet: tuple[Words, ...] = ()
    note: str = ""

    @property
    def conditions(self) -> tuple[ConditionProof, ...]:
        """The lines without those of groups."""
        return tuple(line for line in self.lines if not line.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayAnswer:
    """What becomes of one play for the customer. ``numbers``: what the sentence is made of, plain values."""

    strategy: str
    name: Words  # what the brand calls the strategy
    play: str
    outcome: Outcome
    reason: Reason | None
    detail: str
    channel: str
    variant: str
    numbers: Mapping[str, Any]
    words: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything `koipond why` says about one customer."""

    customer_no: int
    as_of: date
    plan: str | None  # the plan that was looked at, None = computed now
    segments: tuple[SegmentProof, ...]
    plays: tuple[PlayAnswer, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values."""
        return {
            "customer_no": self.customer_no,
            "as_of": self.as_of.isoformat(),
            "plan": self.plan,
            "segments": [
                {
                    "segment": proof.segment,
                    "name": dict(proof.name),
                    "member": proof.member,
                    "words": dict(proof.words),
                    "conditions": [{"words": dict(c.words), "holds": c.holds} for c in proof.conditions],
                    "lines": [
                        {"words": dict(one.words), "holds": one.holds, "depth": one.depth}
                        for one in proof.lines
                    ],
                    "unmet": [dict(one) for one in proof.unmet],
                    "note": proof.note,
                }
                for proof in self.segments
            ],
            "plays": [
                {
                    "strategy": play.strategy,
                    "name": dict(play.name),
                    "play": play.play,
                    "outcome": play.outcome,
                    "reason": None if play.reason is None else str(play.reason),
                    "detail": play.detail,
                    "channel": play.channel,
                    "variant": play.variant,
                    "numbers": dict(play.numbers),
                    "words": dict(play.words),
                }
                for play in self.plays
            ],
        }

    def text(self, language: str) -> str:
        """Return the explanation for people, in ``language``."""
        from koipond.strategy.why.words import HEADINGS

        heading = HEADINGS[language]
        plays = [f"  {play.name[language]}/{play.play}: {play.words[language]}" for play in self.plays]
        lines = [heading["plays"], *plays, "", heading["segments"]]
        for proof in self.segments:
            mark = heading["in"] if proof.member else heading["out"]
            lines.append(f"  {proof.name[language]}: {mark}. {proof.note or proof.words[language]}")
            lines += [
                f"    {'  ' * one.depth}{'✓' if one.holds else '✗'} {one.words[language]}"
                for one in proof.lines
            ]
        return "\n".join(lines)
