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

__all__ = [
    "Curve",
    "perfect_qini_curve",
    "qini",
    "qini_area",
    "qini_curve",
    "uplift_auc",
    "uplift_curve",
]
