"""What a trait is compared with (属性比较), and whether its values can ever answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from koipond.rules.tree import Value

ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$"
_IN_ORDER = ("<", "<=", ">", ">=")
_MANY = {"number": "numbers", "date": "days"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A value that a rule compares a trait with, and how."""

    op: str
    value: Value

    def suits(self, type_: str) -> bool:
        """Say whether a trait whose values are all of ``type_`` (number or date) can answer.

        In order with a text nothing can: texts are in the order of their letters, 9 after 10.
        """
        if not isinstance(self.value, str):
            return isinstance(self.value, date) if type_ == "date" else isinstance(self.value, int | float)
        if type_ == "number" and self.op in _IN_ORDER:
            return False
        return re.search(ISO if type_ == "date" else _NUMBER, self.value) is not None


def type_of(row: Mapping[str, Any]) -> str:
    """Return number or date when all values of a trait are, else nothing; ``row`` counts them."""
    return next((type_ for type_, many in _MANY.items() if row[many] == row["rows"]), "")
