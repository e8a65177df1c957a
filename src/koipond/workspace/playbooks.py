"""Shipped playbooks (运营SOP): files of a strategy with its segment, texts and offer, ready to be changed.

They are copied into the folder, so that the brand owns them from the first day.
"""

from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from koipond.kernel import InputError, joined
from koipond.kernel.countries import UNKNOWN, country_of
from koipond.kernel.whole_files import write_whole
from koipond.workspace.settings import FILE

SHIPPED = ("newcomer_welcome", "dormant_recall", "high_value_care", "dormant_recall_code")
_CHANNELS = "    channels: [sandbox]\n"

_SETTINGS = """\
# What holds for the whole brand. Every other object has a file of its own in a folder beside this one.
key: {key}
name: {name}
zone: {zone}
currency: {currency}
{country}
clock: {clock}          # system, or last_fact: today is the day of the newest order
language: {language}          # of what commands say, and of customers who named none
defaults:
  contact_policy:         # what every touch of every strategy obeys
    caps:
      - {{touches_max: 3, days: 7}}
    quiet: {{start_hour: 20, end_hour: 9}}
traits:                   # facts about a person that texts and segments may use
  first_name: {{type: text}}
"""
_COUNTRY = "{country}             # whose phone numbers are written without a country code"


def settings_text(
    *, key: str, name: str, zone: str, currency: str, clock: str = "system", language: str = "zh"
) -> str:
    """Return the first `koipond.yaml` of a brand; its country is the one of the zone, else the currency."""
    where = country_of(zone, currency)
    country = _COUNTRY.format(country="# country: XX" if where == UNKNOWN else f"country: {where}")
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _SETTINGS.format(
        key=key, name=quoted, zone=zone, currency=currency, country=country, clock=clock, language=language
    )


def add_playbook(folder: Path, name: str, *, channels: Sequence[str] = ()) -> list[str]:
    """Copy the shipped playbook ``name`` into ``folder``; return the files written, relative to it.

    ``channels`` replace the sandbox, in order of preference. Files that are there already stay as they are.
    Raise InputError for an unknown name or a folder without `koipond.yaml`.
    """
    if name not in SHIPPED:
        raise InputError(
            "there is no playbook '{name}'; shipped are {shipped}", name=name, shipped=joined(", ", SHIPPED)
        )
    if not (folder / FILE).exists():
        raise InputError("{folder} is no workspace; make one with: koipond init {folder}", folder=folder)
    written = []
    for file, text in playbook_files(name).items():
        target = folder / file
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if channels:
            text = text.replace(_CHANNELS, f"    channels: [{', '.join(channels)}]\n")
        write_whole(target, text)
        written.append(file)
    return written


def playbook_files(name: str) -> dict[str, str]:
    """Return the files of the shipped playbook ``name``: path below the workspace → text."""
    root = files("koipond.workspace") / "playbooks" / name
    return {
        f"{room.name}/{file.name}": file.read_text(encoding="utf-8")
        for room in _sorted(root)
        for file in _sorted(room)
    }


def _sorted(room: Traversable) -> list[Traversable]:
    return sorted(room.iterdir(), key=lambda entry: entry.name)
