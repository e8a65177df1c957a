"""Where blanks stand in Chinese sentences (中西文间隔). Pure."""

import re

_QUOTED = re.compile("(“[^”]*”)")
_TOUCHING = re.compile(
    r"(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])(?![年月日])|(?<=[\u4e00-\u9fff])(?=[¥$€£A-Za-z0-9])(?!\d+[年月日])"
)
"""Where a Chinese character touches a figure, a sum or a Latin word that is no part of a date."""


def spaced_out(text: str) -> str:
    """Return Chinese ``text`` with the blanks that are due between its characters and figures or Latin words.

    Dates are written together (2017年6月1日至7月1日), and what stands in quotes is left as it is.
    """
    parts = _QUOTED.split(text)
    return "".join(part if place % 2 else _TOUCHING.sub(" ", part) for place, part in enumerate(parts))


def spaced(joiner: str, parts: list[str]) -> str:
    """Join ``parts``; between a Chinese joiner and a Latin word or figure stands a space."""
    ends_wide = ord(joiner[-1]) > 0x2E80
    rest = [f"{joiner}{' ' if ends_wide and part[:1].isascii() else ''}{part}" for part in parts[1:]]
    return "".join([parts[0], *rest])
