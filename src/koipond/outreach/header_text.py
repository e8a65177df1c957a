"""What may stand in a header of a message (邮件头): a line end in a name or link begins a header of its own.

Refused are line ends and control characters of any script, marks that turn the reading direction, and forms
that a mail program or a proxy decodes into them (RFC 2047 words, percent and character references).
"""

import re
import unicodedata

from koipond.kernel import Message

_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ENCODED = re.compile(
    r"=\?[^\s?]+\?[bBqQ]\?"
    r"|%(?:25)*(?:0[0-9a-fA-F]|1[0-9a-fA-F]|7[fF]|[cC]2%[89][0-9a-fA-F]|[eE]2%80%[aA][89])"
    r"|&#(?:x0*(?:[0-9a-fA-F]|1[0-9a-fA-F]|7[fF]|85|2028|2029)|0*(?:\d|1\d|2\d|3[01]|127|133|8232|8233));?"
    r"|&(?:NewLine|Tab);"
    r"|\\(?:[rn0]|x0[0-9a-fA-F]|u00[0189][0-9a-fA-F]|u202[89])"
)
_TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def control_in(text: str) -> str | None:
    """Return the name of the first character of ``text`` that no header may hold, None when there is none."""
    for character in text:
        if character in _TURNING or unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs"):
            return f"U+{ord(character):04X}"
    return None


def header_fault(text: str) -> str | None:
    """Return in words why ``text`` cannot stand in a header, None when it can."""
    if found := control_in(text):
        return Message(
            "the character {found} (a line end or control character) would begin a header of its own",
            found=found,
        )
    if coded := _ENCODED.search(text):
        return Message(
            "'{coded}' is decoded into a line end or another text by mail programs", coded=coded[0]
        )
    return None


def subject_fault(source: str) -> str | None:
    """Return in words why the liquid ``source`` of a subject cannot stand in a header, None when it can."""
    plain = _TAGS.sub("", source).strip().replace("\t", " ")
    inside = "".join(text for tag in _TAGS.findall(source) for text in _QUOTED.findall(tag))
    return header_fault(plain) or header_fault(inside)


def one_line(text: str) -> str:
    """Return ``text`` with a blank for every line end, control character and run of blanks."""
    return " ".join("".join(" " if control_in(c) else c for c in text).split())
