"""What means the same is written the same before anything is decided: numbers and dates of many exports."""

import pytest

from koipond.ingest.plain_writing import plain_date, plain_number


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1\u00a0299,00", "1 299,00"),
        ("€\u202f1.299,00", "€ 1.299,00"),
        ("12,50\u2009kr", "12,50 kr"),
        ("\u200b１２３．４５\u200e", "123.45"),
        ("–3.00", "-3.00"),
        ("−3.00", "-3.00"),
        ("－3", "-3"),
        ("١٢٫٥", "12.5"),
        ("12.5万", "12.5e4"),
        ("1.2万元", "1.2e4元"),
        ("¥ 3 萬", "¥ 3e4"),
        ("2亿", "2e8"),
        ("150rb", "150e3"),
        ("Rp 1,5 jt", "Rp 1,5e6"),
        ("3 juta", "3e6"),
        ("75k", "75e3"),
        ("1299:-", "1299"),
        ("12 kr", "12 kr"),
        ("5 Kč", "5 Kč"),
        ("1000K", "1000K"),  # kyat as well
        ("5千克", "5千克"),
        ("1万2千", "1万2千"),
        ("150 rbu", "150 rbu"),
    ],
)
def test_a_number_is_written_with_marks_of_ascii(text: str, plain: str) -> None:
    assert plain_number(text) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2026年3月1日 下午2:05", "2026年3月1日 2:05 PM"),
        ("2026/3/1 下午 02:05:33", "2026/3/1 02:05:33 PM"),
        ("2026/3/1 下午14:05", "2026/3/1 14:05"),
        ("2026/3/1 上午00:05", "2026/3/1 00:05"),
        ("2026/3/1 凌晨12:05", "2026/3/1 12:05 AM"),
        ("2026/3/1 晚上8:05", "2026/3/1 8:05 PM"),
        ("2026/3/1 晚上12:05", "2026/3/1 晚上12:05"),  # the night before or behind
        ("2026/3/1 上午14:05", "2026/3/1 上午14:05"),  # at odds with itself
        ("2026年3月1日 14时05分", "2026年3月1日 14:05"),
        ("2026年3月1日（周日）9点5分", "2026年3月1日 09:05"),
        ("2026年3月1日 星期日 上午9:05", "2026年3月1日 9:05 AM"),
        ("1 Maret 2026 14.05", "1 Maret 2026 14:05"),
        ("Minggu, 1 Maret 2026 pukul 14.05 WIB", "1 Maret 2026 14:05+07:00"),
        ("1/3/2026 2.05 sore", "1/3/2026 02:05 PM"),
        ("Senin, 2 Mar 2026", "2 Mar 2026"),
        ("Sun Mar 01 2026 10:00:00 GMT+0800 (China Standard Time)", "Mar 01, 2026 10:00:00 +0800"),
        ("Sun Mar  1 10:00:00 2026", "Mar 1, 2026 10:00:00"),
        ("Sunday, March 1st, 2026 at 2:05 p.m.", "March 1, 2026 2:05 PM"),
        ("20260301143000", "20260301 14:30:00"),
        ("20260301T143000Z", "20260301 14:30:00Z"),
        ("20260301", "20260301"),
        ("1772323200.5", "1772323200"),
        ("2026. 3. 1.", "2026.3.1"),
        ("01.03.26", "01.03.26"),
        ("Senin", "Senin"),
        ("Sun Mar 01 10:00:00 CST 2026", "Sun Mar 01 10:00:00 CST 2026"),
    ],
)
def test_a_date_is_written_without_its_weekday_and_with_a_clock(text: str, plain: str) -> None:
    assert plain_date(text) == plain
