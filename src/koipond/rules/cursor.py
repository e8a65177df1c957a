"""A place in the words of a rule, and the list of what was wrong so far."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from koipond.kernel import Message, any_of
from koipond.rules.catalog import Catalog
from koipond.rules.lexer import Token
from koipond.rules.problems import Problem
from koipond.rules.vocabulary import CALENDARS, meanings
from koipond.rules.windows import Calendar
from koipond.rules.written import keyword, measure_word


class SkipError(Exception):
    """The leaf being read is beyond repair; reading goes on at the next one."""


@dataclass(slots=True)
class Cursor:
    """Where reading stands in ``words``."""

    words: list[Token]
    catalog: Catalog
    problems: list[Problem] = field(default_factory=list)
    at: int = 0
    gave_up: bool = False  # the rest is not read: that it ends is no problem of its own

    @property
    def word(self) -> Token:
        return self.words[self.at]

    def ended(self) -> bool:
        return self.word.kind == "end"

    def following(self) -> Token:
        return self.words[min(self.at + 1, len(self.words) - 1)]

    def take(self) -> Token:
        token = self.word
        if token.kind != "end":
            self.at += 1
        return token

    def sees(self, *texts: str) -> bool:
        """Say whether the next word is one of these names or signs (never a quoted text)."""
        token = self.word
        return token.kind in ("name", "sign") and any(word in texts for word in meanings(token.text))

    def follows(self, *texts: str) -> bool:
        """Say whether the word after the next is one of these names or signs."""
        token = self.following()
        return token.kind in ("name", "sign") and any(word in texts for word in meanings(token.text))

    def calendar(self) -> Calendar | None:
        """Take the words of a calendar window such as ``this month``; None when there are none."""
        for size in (2, 1):
            ahead = self.words[self.at : self.at + size]
            found = CALENDARS.get(tuple(token.text for token in ahead))
            if found is not None and all(token.kind == "name" for token in ahead):
                self.at += size
                return found
        return None

    def sees_calendar(self) -> bool:
        """Say whether a calendar window comes next."""
        at = self.at
        found = self.calendar()
        self.at = at
        return found is not None

    def accepts(self, text: str) -> bool:
        if self.sees(text):
            self.at += 1
            return True
        return False

    def expect(self, *texts: str) -> str:
        if not self.sees(*texts):
            raise self.failed(
                Message("{shown} where {either} was expected", shown=self.shown(), either=_either(texts))
            )
        token = self.take()
        return next(word for word in meanings(token.text) if word in texts)

    def expect_kind(self, kind: str, what: str) -> Token:
        if self.word.kind != kind:
            raise self.failed(Message("{shown} where {what} was expected", shown=self.shown(), what=what))
        return self.take()

    def name_or_text(self, what: str) -> str:
        if self.word.kind not in ("name", "string"):
            raise self.failed(Message("{shown} where {what} was expected", shown=self.shown(), what=what))
        return self.take().text

    def whole_number(self, what: str) -> int:
        token = self.expect_kind("number", what)
        if not token.text.isdigit() or len(token.text) > 9:
            raise self.failed(
                Message("'{text}' where {what} was expected", text=token.text, what=what), at=token.at
            )
        return int(token.text)

    def day(self, what: str) -> date:
        token = self.expect_kind("day", what)
        try:
            return date.fromisoformat(token.text)
        except ValueError:
            raise self.failed(Message("there is no day {text}", text=token.text), at=token.at) from None

    def shown(self) -> str:
        return Message("the end") if self.word.kind == "end" else Message("'{word}'", word=self.word.text)

    def problem(self, message: str, fix: str, at: int) -> None:
        self.problems.append(Problem(message=message, fix=fix, at=at))

    def failed(
        self, message: str, fix: str = Message("see the grammar of rules"), at: int | None = None
    ) -> SkipError:
        self.problem(message, fix, self.word.at if at is None else at)
        return SkipError()


def _either(texts: Collection[str]) -> Message:
    words = [text for text in texts if text != "day" or "days" not in texts]
    named = measure_word if "count" in words else keyword
    return any_of([Message("'{word}'", word=named(text)) for text in words])
