"""Who holds a lease: this process, described so that another one can tell whether it still runs."""

import os
import socket
from pathlib import Path

from koipond.ingest.ports import Holder


def this_process(purpose: str) -> Holder:
    """Describe the running process as the holder of a lease."""
    return Holder(host=socket.gethostname(), pid=os.getpid(), started=_started(os.getpid()), purpose=purpose)


def is_alive(holder: Holder) -> bool:
    """Say whether the holder's process still runs; one on another machine is taken to live."""
    if holder.host != socket.gethostname():
        return True
    return _started(holder.pid) == holder.started != ""


def spill_name() -> str:
    """Return the name of the folder in which this process may spill: one a process."""
    return f"{socket.gethostname()}.{os.getpid()}"


def is_left_behind(name: str) -> bool:
    """Say whether the process that a `spill_name` names is gone; one on another machine is taken to live."""
    host, _, pid = name.rpartition(".")
    return host == socket.gethostname() and pid.isdigit() and not _started(int(pid))


def _started(pid: int) -> str:
    """Return the start stamp of process ``pid`` in clock ticks since boot, empty when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _started_without_proc(pid)
    return stat.rpartition(")")[2].split()[19]


def _started_without_proc(pid: int) -> str:
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "running"
    return "running"
