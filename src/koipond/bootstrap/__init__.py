"""Bootstrap (装配): builds the adapters a command needs from settings; no container, no globals."""

from koipond.bootstrap.app import App, newest_fact_at, open_app, stamp_at
from koipond.bootstrap.belonging import PairError
from koipond.bootstrap.definitions import StoreDefinitions
from koipond.bootstrap.start import start_workspace

__all__ = [
    "App",
    "PairError",
    "StoreDefinitions",
    "newest_fact_at",
    "open_app",
    "stamp_at",
    "start_workspace",
]
