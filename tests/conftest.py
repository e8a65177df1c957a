"""Fixtures for the whole suite."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the checkout, or a skip that says so."""
    folder = Path(os.environ.get("KOIPOND_SHARED_DATA", _ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").exists():
        pytest.skip(f"the real data sets are not at {folder}; set KOIPOND_SHARED_DATA to test on them")
    return folder
