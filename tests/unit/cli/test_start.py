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
