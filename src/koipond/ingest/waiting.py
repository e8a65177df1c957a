"""Wait for the warehouse (等待数仓): a bounded time, told what is waited for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from koipond.facts.ports import Warehouse, Writer
from koipond.kernel import BusyError

Patience = Callable[[BusyError], bool]
"""Is told who writes, waits a little, and says whether to try again."""


@contextmanager
def writing(warehouse: Warehouse, purpose: str, patience: Patience | None) -> Iterator[Writer]:
    """Open the writer, waiting for another one as long as ``patience`` says; then raise its BusyError."""
    with ExitStack() as stack:
        while True:
            try:
                writer = stack.enter_context(warehouse.write(purpose))
                break
            except BusyError as busy:
                if patience is None or not patience(busy):
                    raise
        yield writer
