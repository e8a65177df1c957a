"""What identifies a person, however written, and what does not."""

import re
import sys
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koipond.ingest.person_columns import names_contact
from koipond.ingest.privacy import MASK, PLAIN, SUSPECT, holds, masked, tells
from koipond.warehouse import ParquetReader

IDENTIFIERS = [
    *("13800138000", "call 138-0013-8000? 13800138000!", "+86 13800138000", "+44 20 7946 0958"),
    *(
        "0812 3456 7890",
        "a.b+c@example.co.id",
        "11010519491231002X",
        "6222021234567890",
        "１３８００１３８０００",
    ),
    *("138 0013 8000", "138\u200b0013\u200b8000", "138\u00a00013\u00a08000", "(86)13800138000"),
    *("0086-138-0013-8000", "86 138 0013 8000", "138.0013.8000", "138/0013/8000", "(138) 0013 8000"),
    *("٠١٣٨٠٠١٣٨٠٠٠", "१३८००१३८०००", "(415) 555-0123", "415-555-0123", "415.555.0123", "1-415-555-0123"),
    *("+852 9123 4567", "85291234567", "0912-345-678", "0912345678", "+886912345678", "0812-3456-7890"),
    *("+62 812-3456-7890", "62 812 3456 7890", "user@例子.中国", "用户@例子.广告", '"john doe"@example.com'),
    *("a＠example.com", "a@example。com", "110105491231002", "3174012304567890", "4111 1111 1111 1111"),
    *("4111-1111-1111-1111", "378282246310005", "30569309025904", "4222222222222", "5555555555554444"),
    *("6011111111111117", "https://x.example/?tel=%2B8613800138000", "https://x.example/?e=a%40b.com"),
    *('{"p": {"q": "13800138000"}}', "tel13800138000", "一三八零零一三八零零零", "1 3 8 0 0 1 3 8 0 0 0"),
    *("010-12345678", "020 7946 0958", "090-1234-5678", "9123 4567", "a\\u0040b.com", "a&#64;b.com"),
    *("13800138000/13900139000", "13800138000,13900139000", "3528000000000007", "6759649826438453"),
    *("+1 (415) 555-0123", "0044 20 7946 0958", "(+86)13800138000", "138—0013—8000", "+6281234567890"),
    *("mailto:x@y.org", "O13800138000", "110105 19491231 002X", "x@[192.168.1.1]", "13800138000.0"),
    *(
        "138*1234*5678",
        "138\t1234\t5678",
        "'13800138000",
        "x @ y.example",
        "ana(at)example.com",
        "ana [at] example.com",
        "ana=40example.com",
        "2025-01-02 13800138000",
        "2025-01-02-13800138000",
        "+298123456",
    ),
]
WRITTEN = [
    *(
        "a!#$%&'*+/=?^_`{|}~b@example.com",
        '"a\\"b c"@example.com',
        "x@192.168.1.1",
        "user(@)example.com",
        "user@@a.org",
    ),
    *(
        "user@example[.]com",
        "user [@] example.com",
        f"{'x' * 200}@example.com",
        "卡号 1234567890123",
        '"wechat": "lisi_99"',
    ),
    *(
        "微信：zhangsan88",
        "%31%33%38%31%32%33%34%35%36%37%38",
        "&#49;&#51;&#56;&#49;&#50;&#51;&#52;&#53;&#54;&#55;&#56;",
    ),
    *("1.38E10", "1.3812345678E+10", "1,3812345678e+10", "8.613812345678E+12", "6.22202123456789E+15"),
    *("13,812,345,678", "13'812'345'678", "13,812,345,678.00", "138+1234+5678", "138_1234_5678"),
    *("(138)1234.5678", "138:1234:5678", "138;1234;5678", "138、1234、5678", "138#1234#5678"),
    *("138\\1234\\5678", "138\n1234\n5678", "138-1234-5678-801", "0812.34567890", "壹叁捌零零壹叁捌零零零"),
    *("1️⃣3️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣", "110 105 1949 1231 002X", "3174 0123 0456 7890", "12.345.678.9-012.345"),
    *("GB82 WEST 1234 5698 7654 32", "de89370400440532013000", "IBAN: FR14 2004 1010 0505 0001 3M02 606."),
    *(
        "NL91ABNA0417164300",
        "passport E12345678",
        "护照号：G12345678",
        "Passport No. EA1234567",
        "paspor A1234567",
    ),
    *('{"passport_no": "C01X00T47"}', "NPWP 123456789012345", "KTP: 3174012304567890", "SSN 123-45-6789"),
    *(
        "user @ example . com",
        "user(at)example(dot)com",
        "user {at} example {dot} com",
        "user at example dot com",
    ),
    *(
        "13800138000 user%40example.com",
        "user%2540example.com",
        "user&#x40;example.com",
        "user&commat;example.com",
    ),
    *("https://a.example/?mobile=13812345678", "openid=oZ7xQa-9bTc3_KdLe5MfNg2HiPjR", "wxid_a1b2c3d4e5f6"),
    *(
        '{"external_userid": "wmqfasd1e19278asdasdAAAAAAAAAAAA"}',
        "微信号：zhangsan_88",
        "oZ7xQa-9bTc3_KdLe5MfNg2HiPjR",
    ),
    *(
        "MTM4MTIzNDU2Nzg=",
        "dXNlckBleGFtcGxlLmNvbQ==",
        "Kzg2MTM4MTIzNDU2Nzg",
        "token dXNlckBleGFtcGxlLmNvbQ ok",
    ),
]
IDENTIFIERS += WRITTEN
OTHERS = [
    *("order 536365", "2025-01-02 10:00:00", "1735696800123", "99.50", "白色心形", "@home", "6901234567892"),
    *(
        "20250102100000",
        "2025-01-02T10:00:00+08:00",
        "13/09/2025 100 pcs",
        "139.69171234",
        "113.9304,22.5431",
    ),
    *("1,234,567,890.12", "13.812.345.678", "192.168.100.200", "31198570044", "O123456789"),
    *("2024-08-12 1234567", "0012345678", "00000123456789", "85123A", "1735696800", "20250102100000123"),
    *(
        "4006123456789",
        "9780306406157",
        "1234567890128",
        "谢谢@小明。今天很好",
        "C536379",
        "12.340000000000001",
    ),
    *(
        "v1.2.3",
        "qty=40 pcs",
        "2*3*4",
        "open (at) noon",
        "15-01-2025",
        "5.0E+10",
        "50000000000",
        "1,2,3,4,5,6,7,8,9",
        "0.8414709848078965",
    ),
    *("¥13,812,345,678", "Rp 13,812,345,678", "13,812,345,678 CNY", "1.7356968E+09", "1.7356968E+12", "5e10"),
    *("Nike 12345678", "WeChat payments", "passport to 2025 sale", "wechat_official_account", "AB-1234-5678"),
    *(
        "GB82 WEST 1234 5698 7654 33",
        "QUJDREVGR0hJSktM",
        "onboardingEmailSequenceStep1",
        "at noon dot",
        "no @ all . ",
    ),
    *(
        "one_two_three_four_five_six_",
        "10:20:30:40",
        "8+8+8",
        "12345-678-90",
        "EA1234567",
        "E12345678",
        "100%25 off",
    ),
    *("2e9b1f3a-9c1d-4f7e-8a21-0123456789ab", "2025/01/02 to 2025/02/03", "9123 4567 items in stock", ""),
]


@pytest.mark.parametrize("text", IDENTIFIERS)
def test_an_identifier_is_found_however_it_is_written(text: str) -> None:
    assert holds(text)
    assert MASK in masked(text)
    assert not holds(masked(text))


@pytest.mark.parametrize("text", OTHERS)
def test_plain_numbers_dates_and_words_are_left_alone(text: str) -> None:
    assert not holds(text)
    assert masked(text) == text


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(
            ("passport", "E12345678"),
            ("护照号码", "G12345678"),
            ("NIK", "31740123"),
            ("npwp", "123456789012345"),
        ),
        *(("bank_account", "0417164300"), ("iban", "NL91ABNA0417164300x"), ("id card", "1101051949123")),
        *(
            ("openid", "abcdefgh"),
            ("external_userid", "wmxyz_12"),
            ("微信", "zhangsan88"),
            ("wechat_id", "lisi-99"),
        ),
        *(("mobile", "138x1234x5678"), ("手机号", "５５５０１２３"), ("telepon", "8123456789")),
    ],
)
def test_the_name_of_a_column_tells_what_its_values_are(column: str, value: str) -> None:
    assert tells(column, value)
    assert not tells("remark", value)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("passport", "yes"),
        ("wechat_added", "true1234"),
        ("wechat", "yes"),
        ("phone_os", "iOS 17"),
        ("plan", "E12345678"),
    ],
)
def test_a_plain_value_of_such_a_column_stays(column: str, value: str) -> None:
    assert not tells(column, value)


@pytest.mark.parametrize("local", ["a!#$%&'*+/=?^_`{|}~b", "x" * 200, "用户.名", '"john \\" doe"'])
def test_nothing_of_the_name_of_a_mailbox_stays(local: str) -> None:
    assert masked(f"to {local}@example.com now") == f"to {MASK} now"


def test_only_the_identifier_is_covered() -> None:
    assert masked("call 138-0013-8000? order 536365, a@b.com.") == f"call {MASK}? order 536365, {MASK}."


@pytest.mark.parametrize("text", ["1234567890123456", "123456789012345678"])
def test_a_bare_long_number_may_be_an_id_of_an_order_but_is_no_property(text: str) -> None:
    assert holds(text)
    assert not holds(text, strict=True)


def test_a_column_of_contacts_holds_identifiers_whatever_the_country() -> None:
    assert all(map(names_contact, ("Phone", "手机号", "nomor_hp", "whatsapp", "tel", "Mobile No")))
    assert not any(map(names_contact, ("hotel", "store", "plan", "shpping")))
    assert tells("phone", "5550123")
    assert not holds("5550123")


def test_the_sieve_knows_every_digit_of_every_script() -> None:
    digits = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.digit(chr(c), None) is not None]
    assert all(re.search(SUSPECT, digit * 11) for digit in digits)
    assert all(holds("1" + chr(start + 3) + "8" * 9) for start in (0x660, 0x966, 0xFF10, 0x1D7D8))


def sieves(text: str) -> list[bool]:
    array = pa.array([text])
    return [
        re.search(SUSPECT, text) is not None and re.search(PLAIN, text) is None,
        pc.match_substring_regex(array, SUSPECT)[0].as_py()
        and not pc.match_substring_regex(array, PLAIN)[0].as_py(),
    ]


@pytest.mark.parametrize("text", IDENTIFIERS)
def test_the_sieve_lets_every_identifier_through(text: str) -> None:
    assert sieves(text) == [True, True]


PIECES = [
    *"0123456789 +-()./@aZ中０٣\u200b,xX_%&#;=oE",
    "138",
    "dot",
    "at",
    "passport",
    "wm",
    "DE89",
    "%40",
    "E+10",
    "MTM4",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_arrow_and_python_sieve_alike_and_lose_nothing_that_is_found(text: str) -> None:
    python, arrow = sieves(text)
    assert python == arrow
    assert python or not holds(text)


def test_the_sieve_of_duckdb_is_the_same(reader: ParquetReader) -> None:
    texts = [*IDENTIFIERS, *OTHERS]
    table = reader.stage("t", pa.table({"row": range(len(texts)), "a": texts}))
    found = reader.frame(table.select("row", s=table["a"].re_search(SUSPECT)).order_by("row"))
    assert found.column("s").to_pylist() == [re.search(SUSPECT, text) is not None for text in texts]
