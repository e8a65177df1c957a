"""A workspace of another country: what identifies its people, in any column of any kind, is not in clear."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from koipond.cli.app import main
from koipond.ingest import KINDS, Kind
from koipond.ingest.fields import FIELDS, KEEPS_OTHER_COLUMNS

AT_HOME = {
    "ID": (
        *("0812-3456-7890", "081234567890", "6281234567890", "+62 812 3456 7890", "(0812) 3456-7890"),
        *("3174012304567890", "3174 0123 0456 7890", "12.345.678.9-012.345", "siti.aminah@contoh.co.id"),
    ),
    "US": (
        *(
            "(415) 555-0123",
            "415-555-0123",
            "1-415-555-0123",
            "14155550123",
            "+1 415 555 0123",
            "415.555.0123",
        ),
        *("4111 1111 1111 1111", "4111111111111111", "jane.roe (at) example.com", "jane.roe%40example.com"),
    ),
    "DE": (
        *("0151 23456789", "015123456789", "4915123456789", "+49 151 23456789", "(0151) 23456789"),
        *("DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "erika@beispiel.de", "1.5123456789E+10"),
    ),
    "GB": (
        *("07700 900123", "07700900123", "447700900123", "+44 7700 900123", "(07700) 900123"),
        *("GB82 WEST 1234 5698 7654 32", "bm9yYS5zbWl0aEBleGFtcGxlLm9yZw==", "nora.smith@example.org"),
    ),
}
GOOD = {"instant": "2026-01-05 10:00:00", "money": "5.25", "number": "2", "status": "paid", "truth": "yes"}
NAMED = {"status": "yes", "channel": "email", "purpose": "marketing", "name": "browse", "currency": "EUR"}
REQUIRED = {"consents": "status", "touches": "channel"}


def good(kind: Kind, field: str, type_: str, number: int) -> str:
    if kind == "consents" and field in ("status", "channel", "purpose"):
        return NAMED[field]
    if field == "customer_id":
        return f"c{number}"
    if field in ("phone", "email"):
        return ""
    return GOOD.get(type_) or NAMED.get(field) or f"{field[:3]}{number}"


def rows(kind: Kind, identifiers: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """One row for each column and identifier, the identifier in that column."""
    further = ("remark", "utm") if kind in KEEPS_OTHER_COLUMNS else ()
    fields = [*FIELDS[kind]]
    names = [one.name for one in fields] + [*further]
    number = 0
    for place in names:
        if place == "currency" or (kind == "consents" and place in ("status", "channel", "purpose")):
            continue  # a word nobody knows refuses the file: see below
        for identifier in identifiers:
            number += 1
            row = {one.name: good(kind, one.name, one.type, number) for one in fields}
            yield {**row, **dict.fromkeys(further, "plain"), place: identifier}


def write(file: Path, found: list[dict[str, str]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as opened:
        table = csv.DictWriter(opened, found[0])
        table.writeheader()
        table.writerows(found)
    return file


def forms(identifier: str) -> set[str]:
    digits = re.sub(r"\D", "", identifier)
    return {identifier, identifier.lower()} | ({digits} if len(digits) >= 9 else set())


def texts(state: Path) -> Iterator[tuple[str, str]]:
    """Everything that is kept: texts of Parquet, the bytes of all other files, and names."""
    for path in state.rglob("*"):
        yield "a name", path.name
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            for name, column in zip(table.column_names, table.columns, strict=True):
                if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                    yield f"{path.parent.name}.{name}", "\n".join(filter(None, column.to_pylist()))
        elif path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")


def require_nothing(where: str, text: str, identifiers: tuple[str, ...]) -> None:
    for identifier in identifiers:
        for form in forms(identifier):
            assert form not in text, (
                f"{identifier} stands in {where}: …{text[max(0, text.find(form) - 200) :][:300]}"
            )


def made(folder: Path, country: str) -> Path:
    assert main(["init", str(folder), "--zone", "UTC", "--currency", "EUR", "--language", "en"]) == 0
    settings = folder / "koipond.yaml"
    settings.write_text(f"{settings.read_text()}\ncountry: {country}\n")
    assert main(["-C", str(folder), "apply"]) == 0
    return folder


@pytest.mark.parametrize("country", AT_HOME)
def test_no_identifier_of_the_country_is_kept_or_said(
    country: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = made(tmp_path / "shop", country)
    identifiers = AT_HOME[country]
    capfd.readouterr()
    for kind in KINDS:
        found = [*rows(kind, identifiers)]
        file = write(tmp_path / f"{kind} {identifiers[0].replace('/', '-')}.csv", found)
        code = main(["-C", str(folder), "import", kind, str(file), "--json"])
        told = capfd.readouterr()
        require_nothing(f"what import {kind} says", told.out + told.err, identifiers)
        assert code == 0, told.err
        result: dict[str, Any] = json.loads(told.out)
        assert result["read"] == len(found)
        assert result["kept"] > len(found) // 3
    for where, text in texts(folder / ".koipond"):
        require_nothing(where, text, identifiers)


@pytest.mark.parametrize("country", AT_HOME)
def test_no_error_says_an_identifier_of_the_country(
    country: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = made(tmp_path / "shop", country)
    capfd.readouterr()
    for identifier in AT_HOME[country]:
        name = identifier.replace("/", "-")
        word = {"customer_id": "c1", "status": identifier, "channel": "email", "at": "2026-01-05"}
        header = {identifier: "x", f"{identifier} ": "x", "order_id": "o1"}
        files = [
            ("consents", write(tmp_path / f"{name}.csv", [word])),
            ("consents", write(tmp_path / "channel.csv", [{**word, "status": "yes", "channel": identifier}])),
            ("orders", write(tmp_path / "header.csv", [header])),
            ("orders", tmp_path / f"no {name}.csv"),
        ]
        commands = [["import", kind, str(file)] for kind, file in files]
        commands += [["why", identifier], ["segments", "count", identifier], ["import", identifier, "x.csv"]]
        commands += [
            [identifier],
            ["plan", "--as-of", identifier],
            ["import", "orders", "--map", identifier, "x"],
        ]
        for command in commands:
            for more in ([], ["--json"]):
                code = main(["-C", str(folder), *command, *more])
                told = capfd.readouterr()
                assert code == 2, (command, told.err)
                require_nothing(f"what {command} says", told.out + told.err, (identifier,))
    for where, text in texts(folder / ".koipond"):
        require_nothing(where, text, AT_HOME[country])
