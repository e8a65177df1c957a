"""Whether a holder still runs: never dead when it cannot be seen, never alive as a zombie."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from koipond.facts.ports import Holder
from koipond.warehouse import holder as module
from koipond.warehouse import host_name, is_alive, this_process
from koipond.warehouse.holder import is_left_behind, spill_name

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def holder_of(process: subprocess.Popen[bytes]) -> Holder:
    return replace(this_process("x"), pid=process.pid, started=module._started(process.pid))


def test_this_process_and_its_children_live(child: subprocess.Popen[bytes]) -> None:
    assert is_alive(this_process("x"))
    assert is_alive(holder_of(child))


def test_a_killed_process_is_dead_while_nobody_waited_for_it_and_after(
    child: subprocess.Popen[bytes],
) -> None:
    """Neighbour of A29: state Z."""
    holder = holder_of(child)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and left as a zombie
    assert Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    assert not is_alive(holder)
    child.wait()
    assert not is_alive(holder)


def test_a_stopped_process_lives_and_its_heart_alone_tells(child: subprocess.Popen[bytes]) -> None:
    holder = holder_of(child)
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    assert is_alive(holder)


def test_a_number_used_again_is_another_process() -> None:
    assert not is_alive(replace(this_process("x"), started="1"))


def test_a_renamed_host_is_the_same_machine(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A29: the dead import is seen to be dead under the new name as well."""
    holder = holder_of(child)
    monkeypatch.setattr(socket, "gethostname", lambda: "another-name")
    assert is_alive(holder)
    child.kill()
    child.wait()
    assert not is_alive(holder)


@pytest.mark.parametrize("part", [1, 2], ids=["boot", "namespace"])
def test_one_of_another_boot_or_namespace_is_never_said_to_be_dead(part: int) -> None:
    """A29: a container made anew has the same host name and other processes."""
    mine = this_process("x")
    parts = mine.host.split("~")
    parts[part] = "0" * len(parts[part])
    other = replace(mine, host="~".join(parts), pid=2**22 + 1, started="9")
    assert is_alive(other)
    assert not is_left_behind(f"{other.host}.{other.pid}")


def test_a_holder_of_an_older_release_names_its_host_alone_and_cannot_be_seen() -> None:
    assert is_alive(Holder(host=socket.gethostname(), pid=2**22 + 1, started="9", purpose="x"))


def test_one_that_this_user_may_not_look_at_is_not_dead(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = holder_of(child)
    read = Path.read_text

    def hidden(path: Path, *args: object, **named: object) -> str:
        if path.name == "stat":
            raise FileNotFoundError(path)
        return read(path, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", hidden)
    assert is_alive(holder)
    child.kill()
    child.wait()
    assert not is_alive(holder)


def test_people_read_the_host_alone() -> None:
    assert host_name(this_process("x").host) == socket.gethostname()
    assert host_name("old-host") == "old-host"


def test_what_this_process_spilled_is_not_left_behind(child: subprocess.Popen[bytes]) -> None:
    assert not is_left_behind(spill_name())
    place = f"{this_process('x').host}.{child.pid}"
    assert not is_left_behind(place)
    child.kill()
    child.wait()
    assert is_left_behind(place)
