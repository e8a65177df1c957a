"""The worked examples on three pages of docs/science are run as written, as doctests."""

import doctest
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "science"


def _run(page: str, names: dict[str, Any]) -> doctest.TestResults:
    """Run every ``>>>`` block of a page in one namespace."""
    blocks = re.findall(r"```python\n(>>>.*?)```", (PAGES / page).read_text(), flags=re.S)
    test = doctest.DocTestParser().get_doctest("\n\n".join(blocks), names, page, page, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    runner.run(test)
    return runner.summarize(verbose=False)


@pytest.mark.shared_data
@pytest.mark.parametrize("page", ["lifetime-value.md", "repurchase-cycle.md"])
def test_the_worked_example_prints_what_the_page_says(page: str, shared_data: Path) -> None:
    result = _run(page, {"DATA": str(shared_data)})
    assert result.attempted > 5
    assert result.failed == 0


@pytest.mark.slow
@pytest.mark.shared_data
def test_the_recommendation_page_prints_what_it_says(shared_data: Path) -> None:
    spec = importlib.util.spec_from_file_location("bench_recommend", ROOT / "bench" / "recommend.py")
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    result = _run("recommendation.md", {"DATA": shared_data, "retail": bench.retail})
    assert result.attempted > 5
    assert result.failed == 0
