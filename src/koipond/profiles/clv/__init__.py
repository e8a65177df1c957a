"""Customer lifetime value (客户终身价值): who is still there, what they will buy, what that is worth.

Models of purchase counts by maximum likelihood (science B1): `fit_bgnbd`, `fit_mbgnbd`, `fit_pareto_nbd`,
`fit_bgbb` from (x, t_x, T) arrays, `fit_gamma_gamma` for money, and `clv` from a table. Pure.
"""

from koipond.profiles.clv.backtest import Backtest, backtest
from koipond.profiles.clv.bgbb import BgBb, fit_bgbb
from koipond.profiles.clv.bgnbd import BgNbd, fit_bgnbd
from koipond.profiles.clv.choice import MODELS, Choice, choose
from koipond.profiles.clv.collapse import Counts, collapse
from koipond.profiles.clv.face import clv, fit_summary
from koipond.profiles.clv.gamma_gamma import GammaGamma, ValueFit, fit_gamma_gamma
from koipond.profiles.clv.holdout import HoldoutCheck, check_holdout
from koipond.profiles.clv.interval import Interval
from koipond.profiles.clv.mbgnbd import MbgNbd, fit_mbgnbd
from koipond.profiles.clv.model import Fit, PurchaseModel
from koipond.profiles.clv.pareto_nbd import ParetoNbd, fit_pareto_nbd
from koipond.profiles.clv.result import LifetimeValue
from koipond.profiles.clv.summary import PurchaseSummary, summarise, summary_expression

__all__ = [
    "MODELS",
    "Backtest",
    "BgBb",
    "BgNbd",
    "Choice",
    "Counts",
    "Fit",
    "GammaGamma",
    "HoldoutCheck",
    "Interval",
    "LifetimeValue",
    "MbgNbd",
    "ParetoNbd",
    "PurchaseModel",
    "PurchaseSummary",
    "ValueFit",
    "backtest",
    "check_holdout",
    "choose",
    "clv",
    "collapse",
    "fit_bgbb",
    "fit_bgnbd",
    "fit_gamma_gamma",
    "fit_mbgnbd",
    "fit_pareto_nbd",
    "fit_summary",
    "summarise",
    "summary_expression",
]
