"""The night of docs/how-to/schedule.md, run as it stands there, and run again."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from koipond.bootstrap import open_app

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "schedule.md"
RUN = f'#!/bin/sh\nexec {sys.executable} -m koipond.cli "$@"\n'


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which `koipond` is on the path and keeps its keys in a folder of its own."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "koipond").write_text(RUN)
    (programs / "koipond").chmod(0o755)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "KOIPOND_LANGUAGE": "en"}


def test_a_repeated_night_is_harmless(tmp_path: Path, shell: dict[str, str]) -> None:
    found = re.search(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    assert "koipond backup" in found[1]
    night = found[1].replace("/srv", str(tmp_path))
    for folder in ("in", "backups"):
        (tmp_path / folder).mkdir()
    (tmp_path / "in" / "orders-1.csv").write_text(
        "order_id,customer_id,order_date,amount\n1,a,2026-03-01,5\n"
    )
    (tmp_path / "in" / "consents-1.csv").write_text(
        "customer_id,channel,status,at\na,email,granted,2026-03-01\n"
    )

    def run(script: str) -> None:
        done = subprocess.run(
            ["/bin/sh", "-c", script], env=shell, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    brand = tmp_path / "brand"
    run(f"koipond init {brand} && cd {brand} && koipond playbook add newcomer_welcome")
    for file in (brand / "strategies").glob("*.yaml"):
        file.write_text(file.read_text().replace("shop.example", "shop.test"))
    run(f"koipond -C {brand} apply && {night}")
    run(f"sleep 1; {night}")
    with open_app(brand) as app:
        assert [one.status for one in app.store.plans.all()] == ["draft"]
    assert len([one for one in (tmp_path / "backups").iterdir() if one.is_dir()]) == 2
