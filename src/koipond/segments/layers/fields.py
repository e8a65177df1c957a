"""Read the body of a layers/*.yaml file field by field; every mistake becomes a `Finding`, all at once."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from koipond.kernel import Finding, FindingsError, Message, joined


class Fields:
    """The fields of one mapping. Take each expected field, then call `done`."""

    def __init__(self, body: Any, *, file: str, path: str = "") -> None:
        self._file, self._path = file, path
        self.findings: list[Finding] = []
        self._left: dict[str, Any] = {}
        if isinstance(body, Mapping):
            self._left = {str(key): value for key, value in body.items()}
        elif body is not None:
            self._report(
                "",
                Message("expected fields, found {body!r}", body=body),
                Message("Write one `name: value` a line"),
            )

    def whole(self, name: str, default: int, *, low: int, high: int) -> int:
        """Take a whole number between ``low`` and ``high``."""
        value = self._left.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._report(
                name, Message("{value!r} is not a whole number", value=value), f"Use {low} to {high}"
            )
            return default
        return value

    def thousandths(self, name: str, default: int, *, low: int, high: int) -> int:
        """Take a number with at most three decimals as thousandths."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        try:
            scaled = Decimal(str(value)) * 1000
        except InvalidOperation:
            scaled = Decimal("NaN")
        if isinstance(value, bool) or scaled.is_nan() or scaled % 1 or not low <= scaled <= high:
            fix = Message(
                "Use {low:g} to {high:g} with at most three decimals", low=low / 1000, high=high / 1000
            )
            self._report(name, Message("{value!r} is not such a number", value=value), fix)
            return default
        return int(scaled)

    def choice(self, name: str, default: str, among: tuple[str, ...]) -> Any:
        """Take one of the words ``among``."""
        value = self._left.pop(name, default)
        if value not in among:
            self._report(
                name,
                Message("{value!r} is not known", value=value),
                Message("Use one of {among}", among=joined(", ", among)),
            )
            return default
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Take true or false."""
        value = self._left.pop(name, default)
        if not isinstance(value, bool):
            self._report(
                name,
                Message("{value!r} is neither true nor false", value=value),
                Message("Write true or false"),
            )
            return default
        return value

    def window(self, name: str, default: int | None) -> int | None:
        """Take a window: a number of days, or the word all."""
        value = self._left.get(name, "all" if default is None else default)
        if value == "all":
            self._left.pop(name, None)
            return None
        return self.whole(name, default or 365, low=1, high=36_500)

    def names(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Take a list of event names; order and repeats do not matter."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self._report(
                name,
                Message("{value!r} is not a list of names", value=value),
                Message("Write the event names as a list"),
            )
            return default
        return tuple(sorted(set(value)))

    def rising(self, name: str, count: int) -> tuple[int, ...]:
        """Take ``count`` whole numbers, each above the one before; none when absent."""
        value = self._left.pop(name, None)
        if value is None:
            return ()
        numbers = value if isinstance(value, list) else []
        whole = all(isinstance(item, int) and not isinstance(item, bool) for item in numbers)
        rising = whole and all(a < b for a, b in pairwise(numbers))
        if len(numbers) != count or not rising:
            fix = Message("Write {count} whole numbers, each above the one before", count=count)
            self._report(
                name, Message("{value!r} are not {count} rising cut points", value=value, count=count), fix
            )
            return ()
        return tuple(numbers)

    def inner(self, name: str) -> "Fields":
        """Take a mapping within the mapping; its findings join these when both are done."""
        inner = Fields(self._left.pop(name, None), file=self._file, path=f"{self._path}{name}.")
        inner.findings = self.findings
        return inner

    def peek(self, name: str) -> Any:
        """Look at a field without taking it."""
        return self._left.get(name)

    def refuse(self, name: str, message: str, fix: str) -> None:
        """Report a mistake that only the caller can see."""
        self._report(name, message, fix)

    def close(self) -> None:
        """Report every field that nobody took."""
        for name in self._left:
            self._report(
                name,
                Message("no such field"),
                Message("Remove it or mend its spelling"),
                code="unknown_field",
            )

    def done(self) -> None:
        """Close, then raise `FindingsError` with everything found."""
        self.close()
        if self.findings:
            raise FindingsError(self.findings)

    def _report(self, name: str, message: str, fix: str, *, code: str = "bad_value") -> None:
        where = f"{self._path}{name}".rstrip(".")
        text = f"{where}: {message}" if where else message
        self.findings.append(Finding(file=self._file, line=0, code=code, message=text, fix=fix))
