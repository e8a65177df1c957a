"""Patterns of dates that an operator writes (日期格式): what is wrong with one, in words of ours. Pure."""

import re
from datetime import datetime

from koipond.kernel import Message

USUAL = ("%Y", "%y", "%m", "%b", "%B", "%d", "%H", "%I", "%p", "%M", "%S", "%f", "%z")
"""What dates in files are written with; shown to whoever wrote something else."""
_RARE = ("%a", "%A", "%j", "%c", "%x", "%X", "%U", "%W", "%w", "%G", "%V", "%u", "%Z", "%%")
_DIRECTIVE = re.compile(r"%(?:[-:E]?.)?", re.DOTALL)
_PROBE = datetime(2011, 12, 9, 13, 5, 6)  # noqa: DTZ001  only to try a pattern


def fault_of(pattern: str) -> Message | None:
    """Return what is wrong with ``pattern``, None when dates can be read by it."""
    told = {"pattern": pattern, "usual": " ".join(USUAL)}
    found = _DIRECTIVE.findall(pattern)
    if "%" in found:
        return Message(
            "--date-format '{pattern}': a % stands alone at its end; a pattern is made of {usual}", **told
        )
    strange = next((one for one in found if one not in (*USUAL, *_RARE)), None)
    if strange is not None:
        return Message(
            "--date-format '{pattern}': '{strange}' stands for nothing; use {usual}", strange=strange, **told
        )
    twice = next((one for one in found if one != "%%" and found.count(one) > 1), None)
    if twice is not None:
        return Message("--date-format '{pattern}': '{twice}' stands there twice", twice=twice, **told)
    try:
        datetime.strptime(_PROBE.strftime(pattern), pattern)  # noqa: DTZ007
    except (ValueError, re.error):
        return Message(
            "--date-format '{pattern}': no date can be read by it; use {usual}, each at most once", **told
        )
    return None
