"""Phones as a country writes them at home, and what is none."""

import random

import phonenumbers
import pyarrow as pa
import pytest
from tests.unit.ingest.test_privacy import OTHERS, sieves

from koipond.ingest.door import _sieved
from koipond.ingest.person_numbers import is_barcode
from koipond.ingest.privacy import MASK, holds, masked

AT_HOME = [
    *(("GB", "07700900123"), ("GB", "07700 900123"), ("FR", "06 12 34 56 78"), ("FR", "06.12.34.56.78")),
    *(("DE", "030/90 18 20"), ("IN", "98765 43210"), ("IN", "09876543210"), ("BR", "(11) 91234-5678")),
    *(("RU", "8 (912) 345-67-89"), ("RU", "89123456789"), ("AU", "0412345678"), ("AU", "0412 345 678")),
    *(("JP", "090-1234-5678"), ("JP", "09012345678"), ("HK", "9123 4567"), ("SG", "9123 4567")),
]


@pytest.mark.parametrize(("region", "text"), AT_HOME)
def test_a_phone_as_its_country_writes_it_is_found_in_free_text(region: str, text: str) -> None:
    for written in (text, f"call {text} please", f"tel:{text}."):
        assert masked(written, region=region) == written.replace(text, MASK)
        assert sieves(written)[0]


@pytest.mark.parametrize(
    "region", ["CN", "GB", "FR", "DE", "IN", "BR", "RU", "AU", "JP", "HK", "ID", "US", "NO"]
)
@pytest.mark.parametrize(
    "text",
    [
        *(text for text in OTHERS if text != "9123 4567 items in stock"),
        *("08.30-17.45", "01.02.2025-03.04.2025", "2025-01-02 08-30", "0.1 0.25 0.33 0.5", "91234567"),
        *("9876543210", "34, 36, 38, 40", "1 234 567,89", "08/09/2025", "000123456789", "4006381333931"),
    ],
)
def test_plain_numbers_stay_whatever_the_country(region: str, text: str) -> None:
    assert masked(text, region=region) == text


def test_an_id_may_be_a_mobile_of_the_country_where_ids_are_blinded() -> None:
    for region, text in (("GB", "07700900123"), ("GB", "447911123456"), ("DE", "01601234567")):
        assert holds(text, strict=True, region=region, taken="mobile")
        assert not holds(text, strict=True, region=region)
    assert not holds("03012345678", strict=True, region="DE", taken="mobile")


def test_a_barcode_is_told_by_its_check_digit() -> None:
    assert all(map(is_barcode, ("4006381333931", "012345678905", "96385074", "09780306406157")))
    assert not any(map(is_barcode, ("4915123456789", "447700900123", "4006381333932", "１2345670", "")))


def test_an_id_is_a_phone_of_the_country_with_brackets_only() -> None:
    assert not holds("07700900123", strict=True, region="GB")
    assert not holds("98765 43210", strict=True, region="IN")
    assert holds("(11) 91234-5678", strict=True, region="BR")


REGIONS = ["CN", "ID", "US", "GB", "DE", "IT", "IN", "RU", "EG", "ZA", "BR", "HK", "AC"]


@pytest.mark.parametrize("region", REGIONS)
def test_the_sieve_of_a_country_loses_nothing_that_is_found(region: str) -> None:
    draw = random.Random(7)
    texts = ["".join(draw.choices("0123456789", k=draw.randrange(8, 20))) for _ in range(300)]
    texts += ["0" + "".join(draw.choices("123456789", k=draw.randrange(8, 13))) for _ in range(300)]
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    for one in filter(None, (phonenumbers.example_number_for_type(region, kind) for kind in kinds)):
        national = phonenumbers.national_significant_number(one)
        texts += [national, f"0{national}", f"{one.country_code}{national}", f"+{one.country_code}{national}"]
        texts.append(phonenumbers.format_number(one, phonenumbers.PhoneNumberFormat.NATIONAL))
    seen = _sieved(pa.array(texts), region).to_pylist()
    lost = [text for text, kept in zip(texts, seen, strict=True) if not kept]
    assert [text for text in lost if holds(text, region=region)] == []
    assert any(seen)
