"""docs/reference/reasons.md names every reason in the order of the checks."""

import re
from pathlib import Path

from koipond.channels.sheets import SHEETS
from koipond.outreach.model import Reason

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "reasons.md").read_text(encoding="utf-8")


def test_every_reason_is_there_in_the_order_of_the_checks() -> None:
    assert re.findall(r"^\| `([a-z_]+)` \|", TEXT, re.MULTILINE) == [str(reason) for reason in Reason]


def test_no_shipped_channel_is_confirmed_by_staff() -> None:
    """Else `staff_capacity` would have to be given, and the page would be wrong."""
    assert {sheet.confirmed_by for sheet in SHEETS.values()} & {"staff"} == set()
