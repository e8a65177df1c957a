"""In what a file is written is said so that obeying it leads to the right text (B22)."""

import re
from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.sources import open_file

HEAD = "id,name\n"


def write(folder: Path, content: bytes) -> Path:
    path = folder / "a.csv"
    path.write_bytes(content)
    return path


def names(path: Path, encoding: str | None = None) -> list[str]:
    source = open_file(path, encoding=encoding)
    return [row for batch in source.batches(["name"]) for row in batch.column("name").to_pylist()]


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as stopped:
        open_file(path)
    return str(stopped.value)


def lines(*texts: str) -> str:
    return HEAD + "".join(f"{n},{text}\n" for n, text in enumerate(texts))


@pytest.mark.parametrize(
    "text",
    ["茶㐀", "茶€", "𠀀", "𠀀茶𠀁", "男", "鑫", "茉莉", "￥5", "（大）", "訂單編號", "䶮先生", "Tea 茶 x"],
)
@pytest.mark.parametrize("times", [1, 40])
def test_gb18030_is_found_with_rare_characters(tmp_path: Path, text: str, times: int) -> None:
    path = write(tmp_path, lines(*[text] * times).encode("gb18030"))
    assert open_file(path).details["encoding"] == "gb18030"
    assert names(path) == [text] * times


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
@pytest.mark.parametrize("texts", [["茉莉花茶大瓶装"], ["茉莉花茶"] * 50, ["龙井", "普洱茶饼", "铁观音礼盒"]])
@pytest.mark.parametrize("at", [0, 1, -1])
def test_a_broken_byte_is_damage_and_no_other_encoding(
    tmp_path: Path, encoding: str, texts: list[str], at: int
) -> None:
    broken = len(texts) // 2
    parts = [text.encode(encoding) for text in texts]
    part = bytearray(parts[broken])
    part[at] = 0xFF
    parts[broken] = bytes(part)
    body = b"".join(b"%d,%s\n" % (n, one) for n, one in enumerate(parts))
    said = refusal(write(tmp_path, HEAD.encode() + body))
    plain = "GB18030" if encoding == "gbk" else "UTF-8"
    assert f"row {broken + 2} is damaged: bytes there are not {plain}" in said
    assert "export it again" in said
    assert "--encoding" not in said


def test_a_row_of_another_encoding_is_named_and_written_anew(tmp_path: Path) -> None:
    good = [f"茉莉花茶{n}" for n in range(30)]
    for first, second, plain in (("utf-8", "gbk", "GB18030"), ("gbk", "utf-8", "UTF-8")):
        body, row = lines(*good).encode(first), "99,铁观音礼盒装\n"
        path = write(tmp_path, body + row.encode(second))
        said = refusal(path)
        assert f"is in two encodings: row 32 is {plain}" in said
        path = write(tmp_path, body + row.encode(first))
        assert names(path)[-1] == "铁观音礼盒装"
    path = write(tmp_path, lines("Café", "Señor", "Größe", "x").encode() + "4,Café\n".encode("cp1252"))
    assert "row 6 is CP1252, most others are UTF-8" in refusal(path)


def test_a_stray_row_far_down_a_chinese_file_is_found(tmp_path: Path) -> None:
    body = lines(*["茉莉花茶大瓶装礼盒"] * 9_000).encode("gbk")
    path = write(tmp_path, body + "9,铁观音礼盒大瓶装一\n".encode() + b"10,x\n")
    assert "row 9002 is UTF-8" in refusal(path)


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac_roman"])
@pytest.mark.parametrize("texts", [["Café Größe"], ["Müller", "Straße"], ["Señor Núñez", "Garçon à Paris"]])
def test_western_text_is_named_rightly(tmp_path: Path, encoding: str, texts: list[str]) -> None:
    path = write(tmp_path, lines(*texts).encode(encoding))
    said = refusal(path)
    assert f"it looks like {encoding} (" in said
    assert names(path, encoding) == texts


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Ärger", "mac_roman"),
        ("訂單編號 會員姓名", "big5"),
        ("お茶", "cp932"),
        ("カテゴリ", "euc_jp"),
        ("녹차 한국어 주문번호 고객이름", "cp949"),
        ("Привет мир, Москва и область", "cp1251"),
    ],
)
def test_the_right_one_is_shown_with_its_reading(tmp_path: Path, text: str, encoding: str) -> None:
    path = write(tmp_path, lines(*[text.replace(",", "")] * 5).encode(encoding))
    said = refusal(path)
    shown = dict(re.findall(r"(\w+) \('([^']*)'\)", said))
    assert shown[encoding] == text.replace(",", "")
    assert not {"johab", "cp1006", "hp_roman8"} & shown.keys()
    assert names(path, encoding) == [text.replace(",", "")] * 5


@pytest.mark.parametrize("text", ["茶,花", "tea,x"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_32_is_named_and_read(tmp_path: Path, text: str, order: str) -> None:
    whole = f"id,name\n1,{text.split(',')[0]}\n"
    path = write(tmp_path, whole.encode(f"utf-32-{order}"))
    assert f"looks like UTF-32; pass --encoding utf-32-{order}" in refusal(path)
    assert names(path, f"utf-32-{order}") == [text.split(",")[0]]
    mark = {"le": b"\xff\xfe\0\0", "be": b"\0\0\xfe\xff"}[order]
    path = write(tmp_path, mark + whole.encode(f"utf-32-{order}"))
    assert open_file(path).details["encoding"] == "utf-32"
    assert names(path) == [text.split(",")[0]]
