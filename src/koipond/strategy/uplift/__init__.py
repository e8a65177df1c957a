"""Uplift (增量模型): who is moved by a touch, how sure that is, and whether it pays to choose."""

from koipond.strategy.uplift.curves import (
    Curve,
    perfect_qini_curve,
    qini,
    qini_area,
    qini_curve,
    uplift_auc,
    uplift_curve,
)
from koipond.strategy.uplift.evaluation import ModelScore
from koipond.strategy.uplift.model import ArmUplift, Uplift
from koipond.strategy.uplift.study import uplift
from koipond.strategy.uplift.tag_lift import TagEffect, TagLift, tag_lift
from koipond.strategy.uplift.verdict import Verdict

__all__ = [
    "ArmUplift",
    "Curve",
    "ModelScore",
    "TagEffect",
    "TagLift",
    "Uplift",
    "Verdict",
    "perfect_qini_curve",
    "qini",
    "qini_area",
    "qini_curve",
    "tag_lift",
    "uplift",
    "uplift_auc",
    "uplift_curve",
]
