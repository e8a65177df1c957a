"""The touch plan (触达计划): every candidate ends as one touch or one reason."""

from koipond.strategy.plan.gate_requests import drawn_arms, gate_candidates
from koipond.strategy.plan.holdout import freeze_holdout
from koipond.strategy.plan.make import gather, make_plan
from koipond.strategy.plan.model import (
    CANDIDATES,
    Audience,
    AudienceReader,
    CodesLeft,
    Loss,
    Plan,
    PlanRequest,
    PlayCount,
)
from koipond.strategy.plan.preview import Shown, preview_touches

__all__ = [
    "CANDIDATES",
    "Audience",
    "AudienceReader",
    "CodesLeft",
    "Loss",
    "Plan",
    "PlanRequest",
    "PlayCount",
    "Shown",
    "drawn_arms",
    "freeze_holdout",
    "gate_candidates",
    "gather",
    "make_plan",
    "preview_touches",
]
