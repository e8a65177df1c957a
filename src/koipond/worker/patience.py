"""Not to wait for ever (限时等待): a store that takes a question and never answers must not hold who asked.

A thread that waits for a database cannot be ended from outside. So the question goes to a thread of its own,
and who asked goes away after the deadline; what it asked for may still be done later.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from koipond.kernel import InputError

T = TypeVar("T")
ANSWER_S = 5.0
"""How long a page or a look at the server waits for the store."""
_ASKING_MAX = 16


class Patience:
    """Asks with a deadline. ``asking_max``: so many questions may hang at once; the next waits for one."""

    def __init__(self, asking_max: int = _ASKING_MAX) -> None:
        self._free = threading.BoundedSemaphore(asking_max)

    def ask(self, question: Callable[[], T], seconds: float | None = None) -> T:
        """Return what ``question`` answers, or raise what it raises.

        Raises InputError (``unreachable``) when nothing came back in time, or too many wait already.
        """
        longest_s = ANSWER_S if seconds is None else seconds
        if not self._free.acquire(timeout=longest_s):
            raise _silent(longest_s)
        answers: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                answers.append(question())
            except BaseException as error:  # it is raised where the question was asked
                errors.append(error)
            finally:
                self._free.release()

        asking = threading.Thread(target=run, name="ask", daemon=True)
        asking.start()
        asking.join(longest_s)
        if errors:
            raise errors[0]
        if not answers:
            raise _silent(longest_s)
        return answers[0]


def _silent(seconds: float) -> InputError:
    return InputError(
        "the store takes questions and has not answered for {seconds:g} seconds; look at "
        "the database server and the network before it",
        seconds=seconds,
        code="unreachable",
    )
