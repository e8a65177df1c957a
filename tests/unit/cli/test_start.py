"""What every command pays before it does anything."""

import subprocess
import sys


def test_no_command_starts_with_an_engine_it_may_not_need() -> None:
    code = (
        "import sys; from koipond.cli.app import build; build();"
        "print(sorted({'ibis', 'duckdb', 'sqlalchemy', 'sqlglot', 'scipy', 'uvicorn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_runs_like_the_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "koipond", "--help"], capture_output=True, text=True, check=True
    )
    of_cli = subprocess.run(
        [sys.executable, "-m", "koipond.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout == of_cli.stdout
    assert "Usage: koipond " in done.stdout
    wrong = subprocess.run([sys.executable, "-m", "koipond", "nothing"], capture_output=True, check=False)
    assert wrong.returncode == 2
