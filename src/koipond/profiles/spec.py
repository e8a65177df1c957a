"""What the base stage has to measure (画像底表): windows of local days and the names of events."""

from dataclasses import dataclass

from koipond.kernel import fingerprint

YEAR_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The last ``days`` local days, the observation day included; None = all that is known."""

    days: int | None

    @property
    def suffix(self) -> str:
        """The ending of the columns measured in this window: ``365d`` or ``all``."""
        return "all" if self.days is None else f"{self.days}d"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSpec:
    """Everything about definitions that the base depends on.

    Event names are those of the facts. ``passive``: something reached the customer; ``active``: the customer
    acted; ``praise``: a positive review or a share; ``purchase``: a purchase when it carries no amount.
    """

    windows: tuple[Window, ...] = (Window(days=YEAR_DAYS),)
    day_windows: tuple[Window, ...] = ()  # those of `windows` in which purchase days are counted
    browse_events: tuple[str, ...] = ()
    active_events: tuple[str, ...] = ()
    passive_events: tuple[str, ...] = ()
    praise_events: tuple[str, ...] = ()
    purchase_events: tuple[str, ...] = ()
    interest_window_days: int = 15
    praise_window_days: int = YEAR_DAYS
    browse_days_min: int = 2
    loyal_days_min: int = 2

    @property
    def fingerprint(self) -> str:
        """Equal for equal specs."""
        values = {name: getattr(self, name) for name in self.__slots__}
        days = {name: [w.days for w in values[name]] for name in ("windows", "day_windows")}
        return fingerprint(values | days)
