"""Cells of e-mails and phones that hold several (一格多址): each of them, or that one cannot be read."""

import re
from collections.abc import Callable, Sequence

from koipond.facts.people import PersonKeys
from koipond.ingest.model import ImportRequest
from koipond.ingest.people import normal_phone
from koipond.ingest.spellings import normal_email

_EXTENSION_DIGITS_MAX = 5
_EMAILS_APART = re.compile(r"[;,、，；|\s]+")
_PHONES_APART = re.compile(r"[;,、，；|/\r\n\t]+")


def emails_of(text: str) -> tuple[str | None, ...]:
    """Return every e-mail of ``text``, None for what is none; () for an empty cell."""
    if not text.strip():
        return ()
    whole = normal_email(text)
    return (whole,) if whole is not None else _each(_EMAILS_APART.split(text), normal_email)


def phones_of(text: str, region: str) -> tuple[str | None, ...]:
    """Return every phone of ``text`` as E.164, None for what is none; () for an empty cell.

    What reads as one number is one, with its extension; ``138… 139…`` are two.
    """
    if not text.strip():
        return ()
    for parts in (_PHONES_APART.split(text), _PHONES_APART.sub(" ", text).split()):
        long = [part for part in parts if sum(map(str.isdigit, part)) > _EXTENSION_DIGITS_MAX]
        found = _each(long, lambda part: normal_phone(part, region))
        if len(long) > 1 and any(found):
            return found
    return (normal_phone(text, region),)


def keys_of(row: dict[str, str], request: ImportRequest, region: str) -> tuple[PersonKeys, ...]:
    """Return whom a row names: one person, or with several addresses in a cell each of these alone.

    What cannot be read beside another stands as keys of nobody, so that the row is not taken for whole.
    """
    phones, emails = phones_of(row["phone"], region), emails_of(row["email"])

    def keys(shop_id: str | None, phone: str | None, email: str | None) -> PersonKeys:
        return PersonKeys(
            source=request.source, shop_id=shop_id, phone=phone, email=email, verified=request.verified
        )

    [phone, *more_phones] = phones if len(phones) == 1 else (None, *phones)
    [email, *more_emails] = emails if len(emails) == 1 else (None, *emails)
    found = [
        *(keys(None, one, None) for one in more_phones),
        *(keys(None, None, one) for one in more_emails),
    ]
    first = keys(row["customer_id"] or None, phone, email)
    return (first, *found) if not found or first.shop_id or phone or email else tuple(found)


def _each(parts: Sequence[str], read: Callable[[str], str | None]) -> tuple[str | None, ...]:
    """Return what ``read`` makes of each of ``parts``, once."""
    return tuple(dict.fromkeys(read(part) for part in parts if part.strip()))
