"""Where `koipond serve` answers (本机地址): what links of other processes name when no public URL is set."""

from koipond.kernel.port import DEFAULT_PORT
from koipond.store.workspace_values import StoredSettings

_PORT = "served_port"


def serve_on(settings: StoredSettings, port: int) -> None:
    """Remember the port this workspace is served on, for the links that other processes write (U24)."""
    if settings.get(_PORT) != port:
        settings.set(_PORT, port)


def served_url(settings: StoredSettings) -> str:
    """Return the address of this machine's server, by the port it was last started on."""
    return f"http://127.0.0.1:{settings.get(_PORT) or DEFAULT_PORT}"
