"""Kernel (内核): ids, money, time, errors and findings. Pure; imports nothing but the standard library."""

from koipond.kernel.clock import Clock, FixedClock, VirtualClock
from koipond.kernel.days import (
    day_bounds,
    day_of,
    epoch_day,
    from_epoch_day,
    local_time,
    require_aware,
    zone,
)
from koipond.kernel.errors import (
    BusyError,
    CancelledError,
    FindingsError,
    InputError,
    KoipondError,
    RefusedError,
)
from koipond.kernel.finding import Finding
from koipond.kernel.ids import fingerprint, hash_bucket, new_uid, stable_json
from koipond.kernel.message import (
    LANGUAGES,
    Language,
    Message,
    all_of,
    any_of,
    heard,
    in_language,
    joined,
    phrase,
    speak,
    speaking,
    spoken,
)
from koipond.kernel.money import MONEY_MAX, minor_digits, require_currency, to_minor

__all__ = [
    "LANGUAGES",
    "MONEY_MAX",
    "BusyError",
    "CancelledError",
    "Clock",
    "Finding",
    "FindingsError",
    "FixedClock",
    "InputError",
    "KoipondError",
    "Language",
    "Message",
    "RefusedError",
    "VirtualClock",
    "all_of",
    "any_of",
    "day_bounds",
    "day_of",
    "epoch_day",
    "fingerprint",
    "from_epoch_day",
    "hash_bucket",
    "heard",
    "in_language",
    "joined",
    "local_time",
    "minor_digits",
    "new_uid",
    "phrase",
    "require_aware",
    "require_currency",
    "speak",
    "speaking",
    "spoken",
    "stable_json",
    "to_minor",
    "zone",
]
