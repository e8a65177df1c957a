import pytest

from koipond.ingest.people import normal_email, normal_phone


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("138 0013 8000", "CN", "+8613800138000"),
        ("+86 138-0013-8000", "ID", "+8613800138000"),
        ("0812-3456-7890", "ID", "+6281234567890"),
        ("+62 812 3456 7890", "CN", "+6281234567890"),
        ("12345", "CN", None),
        ("call me", "CN", None),
    ],
)
def test_phones_become_e164(text: str, region: str, phone: str | None) -> None:
    assert normal_phone(text, region) == phone


@pytest.mark.parametrize(
    ("text", "email"),
    [(" A.B@Example.COM ", "a.b@example.com"), ("a@b", None), ("a b@c.de", None), ("@c.de", None)],
)
def test_addresses_are_lower_case(text: str, email: str | None) -> None:
    assert normal_email(text) == email
