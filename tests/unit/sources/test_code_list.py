"""Code lists as shops export them (B08)."""

from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.sources.code_list import read_codes

CASE = '﻿code\r\nAB12\r\nab13\r\n\r\nCD34,extra\r\n"EF56"\r\nGH78;2026-04-01\r\n="0012"\r\n"a ""b""",x\r\n'


def test_the_first_column_without_header_quotes_and_guards(tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_bytes(CASE.encode())
    found = read_codes(file, 100)
    assert [code for _, code in found] == ["AB12", "ab13", "CD34", "EF56", "GH78", "0012", 'a "b"']
    assert [line for line, _ in found] == [2, 3, 5, 6, 7, 8, 9], "as an editor counts"


@pytest.mark.parametrize("head", ["券码", "Coupon Code", "kode voucher,berlaku"])
def test_a_header_is_no_code_and_a_code_in_first_place_is(tmp_path: Path, head: str) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(f"{head}\nA1\n")
    assert read_codes(file, 9) == [(2, "A1")]
    file.write_text("A0\nA1\ncode\n")
    assert [code for _, code in read_codes(file, 9)] == ["A0", "A1", "code"]


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    for content in (b"\xff\xfe\x00", b"code\n"):
        file.write_bytes(content)
        with pytest.raises(InputError, match="one code a line"):
            read_codes(file, 9)
