"""Koipond (锦鲤池): private-domain operations (私域精细化运营).

The library face: functions on a table, without a workspace. Each name is imported when it is first used,
because the numeric libraries behind it are slow to load.
"""

from importlib import import_module

_FACE: dict[str, str] = {
    "aipl": "koipond.library",
    "allocate": "koipond.strategy.allocation",
    "buy_again": "koipond.recommend",
    "clv": "koipond.profiles.clv",
    "compare": "koipond.experiments.compare",
    "design": "koipond.experiments.design",
    "grade": "koipond.library",
    "lifecycle": "koipond.library",
    "off_policy": "koipond.experiments.off_policy",
    "qini": "koipond.strategy.uplift",
    "repurchase_cycle": "koipond.profiles.repurchase_cycle",
    "rfm": "koipond.library",
    "something_new": "koipond.recommend",
    "tag_lift": "koipond.strategy.uplift",
    "uplift": "koipond.strategy.uplift",
}
"""Public name → module that holds it. One line a name, sorted."""

__version__ = "0.1.0"
__all__ = ["__version__"]


def __getattr__(name: str) -> object:
    if name not in _FACE:
        raise AttributeError(f"module 'koipond' has no attribute '{name}'")
    return getattr(import_module(_FACE[name]), name)


def __dir__() -> list[str]:
    return sorted([*_FACE, *__all__])
