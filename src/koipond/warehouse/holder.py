"""Who holds a lease: this process, described so that another one can tell whether it still runs.

A process can be seen only from its own boot of the machine and its own pid namespace: a container made anew
has the same host name and other processes under the same numbers. So `Holder.host` names all three, and who
stands elsewhere says nothing about a holder but what its heartbeat says.
"""

import os
import socket
from pathlib import Path

from koipond.facts.ports import HOST_MARK, Holder

_PROC = Path("/proc")
_BOOT_DIGITS = 12
_ENDED = ("Z", "X", "x")  # proc_pid_stat(5): a zombie runs no code of ours, whoever has yet to wait for it


def this_process(purpose: str) -> Holder:
    """Describe the running process as the holder of a lease."""
    return Holder(host=this_machine(), pid=os.getpid(), started=_started(os.getpid()), purpose=purpose)


def this_machine() -> str:
    """Return host name, boot and pid namespace: from where this process sees others."""
    return HOST_MARK.join((socket.gethostname(), *_sight()))


def host_name(host: str) -> str:
    """Return the host name alone of a `Holder.host`, for people."""
    return host.partition(HOST_MARK)[0]


def is_alive(holder: Holder) -> bool:
    """Say whether the holder's process still runs; one that cannot be seen from here is taken to live.

    A zombie does not run. A stopped process does: its lease ends by the silence of its heart.
    """
    if not is_visible(holder):
        return True
    started = _started(holder.pid)
    return started == holder.started != "" or started == _HIDDEN


def is_visible(holder: Holder) -> bool:
    """Say whether the holder's process would be seen from here if it ran."""
    return _is_visible(holder.host)


def spill_name() -> str:
    """Return the name of the folder in which this process may spill: one a process."""
    return f"{this_machine()}.{os.getpid()}"


def is_left_behind(name: str) -> bool:
    """Say whether the process that a `spill_name` names is gone; one that cannot be seen is taken to live."""
    host, _, pid = name.rpartition(".")
    return _is_visible(host) and pid.isdigit() and not _started(int(pid))


def _sight() -> tuple[str, str]:
    """Return boot and pid namespace, both empty where the system tells neither."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip().replace("-", "")
        return boot[:_BOOT_DIGITS], str((_PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        return "", ""


def _is_visible(host: str) -> bool:
    """Say whether processes of ``host`` can be seen from here, whatever the host is called by now."""
    name, _, sight = host.partition(HOST_MARK)
    boot, space = _sight()
    if boot:
        return sight == f"{boot}{HOST_MARK}{space}"
    return not _PROC.joinpath("self").exists() and name == socket.gethostname()


_HIDDEN = "hidden"


def _started(pid: int) -> str:
    """Return the start stamp of process ``pid`` in clock ticks since boot, empty when none runs.

    `_HIDDEN` when it runs but this user may not look at it (``hidepid``).
    """
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return _started_without_proc(pid)
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in _ENDED else fields[19]


def _started_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return _HIDDEN if _PROC.joinpath("self").exists() else "running"
