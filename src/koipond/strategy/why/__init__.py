"""Why (为什么): for one customer, what each play does and why, in words and with the numbers behind them."""

from koipond.strategy.why.explain import explain
from koipond.strategy.why.model import ConditionProof, Explanation, PlayAnswer, SegmentProof

__all__ = ["ConditionProof", "Explanation", "PlayAnswer", "SegmentProof", "explain"]
