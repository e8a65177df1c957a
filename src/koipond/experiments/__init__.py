"""Experiments (实验): assignment, sufficient statistics, designs and off-policy evaluation.

Names are imported when first used: assignment needs no numeric library, statistics need scipy.special.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from koipond.experiments.adjustment import Target as Target
    from koipond.experiments.always_valid import AlwaysValidBound as AlwaysValidBound
    from koipond.experiments.assignment import Arms as Arms
    from koipond.experiments.bounds import Bound as Bound
    from koipond.experiments.bounds import FixedBound as FixedBound
    from koipond.experiments.breakdown import Breakdown as Breakdown
    from koipond.experiments.breakdown import break_down as break_down
    from koipond.experiments.columns import sums_of as sums_of
    from koipond.experiments.comparison import ArmData as ArmData
    from koipond.experiments.comparison import Comparison as Comparison
    from koipond.experiments.comparison import compare_arms as compare_arms
    from koipond.experiments.design import Design as Design
    from koipond.experiments.effect import Effect as Effect
    from koipond.experiments.group_sequential import GroupSequentialBound as GroupSequentialBound
    from koipond.experiments.guardrails import Guardrail as Guardrail
    from koipond.experiments.metric import Metric as Metric
    from koipond.experiments.metric import read_metrics as read_metrics
    from koipond.experiments.metric import sum_columns as sum_columns
    from koipond.experiments.quantiles import ValueCounts as ValueCounts
    from koipond.experiments.sentence import Wording as Wording
    from koipond.experiments.sentence import sentences as sentences
    from koipond.experiments.statistics import MetricSums as MetricSums
    from koipond.experiments.statistics import aggregates as aggregates

_HOMES = {
    "AlwaysValidBound": "always_valid",
    "ArmData": "comparison",
    "Arms": "assignment",
    "Bound": "bounds",
    "Breakdown": "breakdown",
    "Comparison": "comparison",
    "Design": "design",
    "Effect": "effect",
    "FixedBound": "bounds",
    "GroupSequentialBound": "group_sequential",
    "Guardrail": "guardrails",
    "Metric": "metric",
    "MetricSums": "statistics",
    "Target": "adjustment",
    "ValueCounts": "quantiles",
    "Wording": "sentence",
    "aggregates": "statistics",
    "break_down": "breakdown",
    "compare_arms": "comparison",
    "read_metrics": "metric",
    "sentences": "sentence",
    "sum_columns": "metric",
    "sums_of": "columns",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'koipond.experiments' has no attribute '{name}'")
    return getattr(import_module(f"koipond.experiments.{_HOMES[name]}"), name)
