"""Which country a workspace is in (所在国家): by its zone, else by a currency that one country alone has."""

from functools import lru_cache
from importlib import resources

UNKNOWN = "ZZ"
_SHARED = frozenset({"EUR", "XAF", "XOF", "XCD", "XPF", "XCG"})


def country_of(zone: str, currency: str) -> str:
    """Return the country (ISO 3166) of an IANA ``zone``, else that of the ``currency``, else ``ZZ``.

    Zones such as UTC lie in no country. Source: zone.tab of the tz database; the first two letters of an ISO
    4217 code are those of its country.
    """
    by_zone = _zones().get(zone)
    if by_zone is not None:
        return by_zone
    if currency in _SHARED or currency[:2] not in set(_zones().values()):
        return UNKNOWN
    return currency[:2]


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    text = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {parts[2]: parts[0] for parts in lines}
