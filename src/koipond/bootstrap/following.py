"""A long-lived process on its workspace (跟随最新): what others apply, import and refresh holds from its next
piece of work."""

import threading

from koipond.bootstrap.app import App


class Following:
    """Hands out the workspace as it stands now; any thread may ask."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()

    def current(self) -> App:
        """Return the newest; it stays as it is for whoever works with it."""
        with self._lock:
            self._app = self._app.latest()
            return self._app
