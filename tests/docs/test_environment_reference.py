"""Every setting of the environment stands in its reference, and nothing else."""

import re
from pathlib import Path

from koipond.settings import Settings
from koipond.store.keys import ENVIRONMENT

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "environment.md"


def test_the_page_names_every_setting() -> None:
    named = set(re.findall(r"^\| `(KOIPOND_[A-Z_]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert named == {f"KOIPOND_{field.upper()}" for field in Settings.model_fields} | {ENVIRONMENT}
