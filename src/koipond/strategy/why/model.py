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
    """One condition of a rule, and whether it holds for the customer."""

    words: Words
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentProof:
    """Whether a customer is in a segment, condition by condition; ``note`` when it could not be read."""

    segment: str
    member: bool
    words: Words
    conditions: tuple[ConditionProof, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayAnswer:
    """What becomes of one play for the customer. ``numbers``: what the sentence is made of, plain values."""

    strategy: str
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
                    "member": proof.member,
                    "words": dict(proof.words),
                    "conditions": [{"words": dict(c.words), "holds": c.holds} for c in proof.conditions],
                    "note": proof.note,
                }
                for proof in self.segments
            ],
            "plays": [
                {
                    "strategy": play.strategy,
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
        plays = [f"  {play.strategy}/{play.play}: {play.words[language]}" for play in self.plays]
        lines = [heading["plays"], *plays, "", heading["segments"]]
        for proof in self.segments:
            mark = heading["in"] if proof.member else heading["out"]
            lines.append(f"  {proof.segment}: {mark}. {proof.note or proof.words[language]}")
            lines += [f"    {'✓' if c.holds else '✗'} {c.words[language]}" for c in proof.conditions]
        return "\n".join(lines)
