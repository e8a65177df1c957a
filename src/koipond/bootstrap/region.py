"""Which country a workspace writes its phones in, for messages: also of one that cannot be opened."""

from pathlib import Path

from koipond.kernel import KoipondError

DEFAULT = "CN"


def region_of(folder: Path) -> str:
    """Return the country (ISO 3166) that `koipond.yaml` in ``folder`` names; China when it cannot be read."""
    from koipond.bootstrap.first_settings import require_settings

    try:
        return require_settings(folder).region
    except (KoipondError, OSError):
        return DEFAULT
