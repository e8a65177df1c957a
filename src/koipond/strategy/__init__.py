"""Strategy (运营策略): strategies and plays, the plan, and why somebody is or is not touched."""

from koipond.strategy.model import (
    EVERYONE,
    Arm,
    CodeList,
    Guardrail,
    Landing,
    Metric,
    Offer,
    Play,
    Slot,
    Strategy,
    content_of,
)

__all__ = [
    "EVERYONE",
    "Arm",
    "CodeList",
    "Guardrail",
    "Landing",
    "Metric",
    "Offer",
    "Play",
    "Slot",
    "Strategy",
    "content_of",
]
