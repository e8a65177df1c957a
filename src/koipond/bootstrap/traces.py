"""Where a mistake of ours leaves its trace: in the workspace, for its owner alone, values covered."""

import os
import traceback
from pathlib import Path

from koipond.bootstrap.app import STATE

FILE = "errors.log"
_TRACE_CHARS_MAX = 20_000
_FILE_BYTES_MAX = 5_000_000


def keep_trace(folder: Path, error: BaseException) -> Path | None:
    """Append the trace of ``error`` to the log of the workspace in ``folder``; None when it has none."""
    from koipond.bootstrap.region import region_of
    from koipond.ingest.privacy import masked

    state = folder / STATE
    if not state.is_dir():
        return None
    file = state / FILE
    trace = "".join(traceback.format_exception(error))[-_TRACE_CHARS_MAX:]
    text = masked(trace, region=region_of(folder))
    try:
        if file.exists() and file.stat().st_size > _FILE_BYTES_MAX:
            file.unlink()
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text + "\n")
    except OSError:
        return None
    return file
