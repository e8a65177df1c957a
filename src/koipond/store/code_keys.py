"""How a code reads (券码写法): codes with equal keys cannot be told apart by people or by a shop's till."""

import unicodedata

_FORMATTING = ("Cc", "Cf", "Zl", "Zp")
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x180B, 0x1810)}
"""Letters and marks that show nothing (Unicode Default_Ignorable_Code_Point beyond the formatting ones)."""
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def code_key(code: str) -> str:
    """Return ``code`` as it reads: NFKC, no upper and lower case, no blanks, nothing that does not show."""
    once = unicodedata.normalize("NFKC", code).casefold()
    shown = (c for c in unicodedata.normalize("NFKC", once) if not c.isspace() and not is_hidden(c))
    return "".join(shown)


def is_hidden(character: str) -> bool:
    """Say whether ``character`` steers or shows nothing: control, zero-width and formatting characters."""
    point = ord(character)
    if point in _INVISIBLE or any(point in one for one in _SELECTORS):
        return True
    return unicodedata.category(character) in _FORMATTING
