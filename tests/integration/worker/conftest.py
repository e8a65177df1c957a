"""Both kinds of store, as the crash suite makes them."""

from tests.crash.conftest import store_variable, workspace_key

__all__ = ["store_variable", "workspace_key"]
