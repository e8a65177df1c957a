"""Write docs/reference/cli.md from the program itself; `make docs` runs it, a test holds the file to it."""

import sys
from pathlib import Path
from typing import Any

from typer.main import get_command

from koipond.cli.app import build

TARGET = Path(__file__).parent / "reference" / "cli.md"
HEAD = """# Commands

`koipond -C DIR COMMAND …` works on the workspace in DIR (default: the current folder). `--as-of YYYY-MM-DD`
is the observation day D of reading and planning commands; by default the workspace's today (with
`clock: last_fact` the local day of the newest order). `--json` prints JSON alone on stdout, with `as_of` and
`definition_version`: both null where a command needs no workspace and there is none. Notes for people go to
stderr. Rates are fractions, money is in minor units.

Exit codes: 0 done · 1 findings or breaks · 2 bad input · 3 refused (approval, stale) · 4 busy ·
70 a mistake of the program (its trace: `.koipond/errors.log`, values covered) · 130 cancelled.

`send` counts what this run itself did under `sent`, `failed`, `unknown`, `blocked` and `deferred` (touches
it left waiting for their hour or a retry), and where all touches of the plan stand now under `total`. The
first run's counts add up to the plan's touches (when another `send` or a `serve` sends beside it, each
counts its own part); so do the totals after any run. A later run asks the gate once more for what it
blocked. A customer whom another plan has had for the same strategy, play and day is blocked with
`re_entry`. `plans` shows the same totals beside what was planned. `closed` names channels this machine
cannot send on, `problems` what channels answered.

With `--json` an error is `{"error": code, "message": text}` on stdout.
A full disk, missing rights, a database that is down or a damaged file end in one line with the fix (exit 2; a
lock: 4), Ctrl-C in 130 with nothing half-written. A mistake of the program itself leaves its trace on stderr,
`"error": "internal"` and exit 2.
"""


def reference() -> str:
    """Return the reference of every command."""
    parts = [HEAD]
    for path, command in commands(get_command(build()), ()):
        parts.append(section(path, command))
    return "\n".join(parts)


def commands(command: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """Return every command below ``command`` with its words; groups that act themselves are among them."""
    children = getattr(command, "commands", None)
    if not children:
        return [(path, command)]
    own = [(path, command)] if path and command.invoke_without_command else []
    return own + [found for name, child in children.items() for found in commands(child, (*path, name))]


def section(path: tuple[str, ...], command: Any) -> str:
    """Return one command's heading, purpose and parameters."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    words = " ".join(["koipond", *path, *(p.metavar or p.name.upper() for p in arguments)])
    lines = [f"## `{words}`", "", (command.help or "").strip(), ""]
    lines += [
        f"- `{p.metavar or p.name.upper()}` {text}" for p in arguments if (text := getattr(p, "help", ""))
    ]
    for option in options:
        value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
        names = ", ".join([*option.opts, *option.secondary_opts])
        lines.append(f"- `{names}{value}` {getattr(option, 'help', '') or ''}".rstrip())
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET}\n")
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from docs.generate_layers import write

    write()
