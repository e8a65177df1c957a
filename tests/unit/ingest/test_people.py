import pytest

from koipond.ingest.addresses import emails_of, phones_of
from koipond.ingest.people import normal_phone
from koipond.ingest.spellings import normal_email


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
    [
        (" A.B@Example.COM ", "a.b@example.com"),
        ("a@b", None),
        ("a b@c.de", None),
        ("@c.de", None),
        ("mailto:A@B.example", "a@b.example"),
        ("MAILTO:a%2Bx@b.example?subject=stop", "a+x@b.example"),
        ("\u200ba@b.example\ufeff", "a@b.example"),
        ('"a;b"@c.example', '"a;b"@c.example'),
        ("a@b.example;c@d.example", None),
        ("a@b.example,", None),
        ("<a@b.example>", None),
        ("a@b.example、c@d.example", None),
    ],
)
def test_addresses_are_lower_case(text: str, email: str | None) -> None:
    assert normal_email(text) == email


@pytest.mark.parametrize(
    ("text", "emails"),
    [
        ("", ()),
        ("a@b.example", ("a@b.example",)),
        ("a@b.example; c@d.example", ("a@b.example", "c@d.example")),
        ("mailto:a@b.example,mailto:c@d.example", ("a@b.example", "c@d.example")),
        ("a@b.example、c@d.example，a@b.example", ("a@b.example", "c@d.example")),
        ("a@b.example\nc@d.example", ("a@b.example", "c@d.example")),
        ("a@b.example;", ("a@b.example",)),
        ("a@b.example; nobody", ("a@b.example", None)),
        ("Di <di@b.example>", (None,)),
    ],
)
def test_a_cell_of_several_addresses_stands_for_each(text: str, emails: tuple[str | None, ...]) -> None:
    assert emails_of(text) == emails


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        (" ", ()),
        ("138 0013 8000", ("+8613800138000",)),
        ("tel:+86-138-0013-8000", ("+8613800138000",)),
        ("13800138000;13800138001", ("+8613800138000", "+8613800138001")),
        ("13800138000 13800138001", ("+8613800138000", "+8613800138001")),
        ("138 0013 8000 / +86 138 0013 8001", ("+8613800138000", "+8613800138001")),
        ("13800138000、1380013800", ("+8613800138000", None)),
        ("021-62345678 ext. 9", ("+862162345678",)),
        ("12345", (None,)),
    ],
)
def test_a_cell_of_several_phones_stands_for_each(text: str, phones: tuple[str | None, ...]) -> None:
    assert phones_of(text, "CN") == phones
