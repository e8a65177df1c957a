"""Options and names that are no text are refused as input, not as a mistake of ours."""

import pytest

from koipond.cli.app import main


@pytest.mark.parametrize("option", ["x\udcff.csv", "--source=\ud800"])
def test_an_option_that_is_no_text_is_refused(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert main(["import", "events", option, "--json"]) == 2
    assert "no UTF-8 text" in capsys.readouterr().err
