"""What happens in this process is told before it does, with the frame of who has it done."""

import _thread
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from oneiric_core.testing import Act, intercepting, listening, possible_places


class Heard(list[Act]):
    """A listener that keeps what it was told by this file's own code."""

    def __call__(self, act: Act, frame: FrameType) -> None:
        while frame.f_back is not None and frame.f_code.co_filename != __file__:
            frame = frame.f_back
        if frame.f_code.co_filename == __file__:
            self.append(act)

    def of(self, kind: str) -> list[str]:
        return [act.target for act in self if act.kind == kind]


def test_acts_beyond_the_disk_are_told_as_well() -> None:
    heard, thread = Heard(), threading.Thread(target=int, name="helper")
    with listening(heard), socket.socket() as connection:
        thread.start()
        subprocess.run(["true", b"word"], check=True)
        connection.connect_ex(("127.0.0.1", 9))
        socket.getaddrinfo("127.0.0.1", None)
    thread.join()
    assert heard.of("thread") == ["helper"]
    assert "true word" in heard.of("process")
    assert heard.of("connect") == ["127.0.0.1 9", "127.0.0.1 None"]


@pytest.mark.parametrize(
    "send", [lambda sender, to: sender.sendto(b"", to), lambda sender, to: sender.sendmsg([b""], [], 0, to)]
)
def test_a_message_to_an_address_is_told_like_a_connection(
    send: Callable[[socket.socket, tuple[str, int]], int],
) -> None:
    heard = Heard()
    with socket.socket(type=socket.SOCK_DGRAM) as receiver, socket.socket(type=socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        with listening(heard):
            send(sender, receiver.getsockname())
        assert heard.of("connect") == [f"127.0.0.1 {receiver.getsockname()[1]}"]


def test_where_a_socket_is_connected_is_told_once() -> None:
    heard, (near, far) = Heard(), socket.socketpair()
    with listening(heard), near, far:
        near.sendmsg([b"a"])
        near.send(b"b")
    assert heard == []


def test_a_thread_without_an_object_is_told_too() -> None:
    heard, ended = Heard(), threading.Lock()
    ended.acquire()
    with listening(heard):
        _thread.start_new_thread(ended.release, ())
        ended.acquire()
    assert heard.of("thread") == ["a bare thread"]


@pytest.mark.parametrize("name", ["plain", "with/../dots", "slash/", "./here"])
def test_a_target_is_where_it_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Relative names, links on the way and all: what is told is what is there afterwards."""
    (tmp_path / "real" / "with").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path / "link")
    heard, folder = Heard(), os.open(tmp_path / "link", os.O_RDONLY)
    with listening(heard):
        os.mkdir(name)  # noqa: PTH102 - pathlib would tidy the name up
        os.rmdir(name)  # noqa: PTH106 - likewise
        os.mkdir(name, dir_fd=folder)
    os.close(folder)
    (made,) = (path for path in (tmp_path / "real").rglob("*") if path.name != "with")
    assert heard.of("mkdir") == [str(made), str(made)]
    assert heard.of("remove") == [str(made)]


def test_a_name_below_a_descriptor_may_be_in_any_directory_that_is_open(tmp_path: Path) -> None:
    heard, folder = Heard(), os.open(tmp_path, os.O_RDONLY)
    with listening(heard):
        os.close(os.open("vague", os.O_WRONLY | os.O_CREAT, dir_fd=folder))
    (act,) = heard
    places = list(possible_places(act))
    os.close(folder)
    assert places[0] == str(Path.cwd() / "vague")
    assert str(tmp_path / "vague") in places


def test_who_intercepts_may_refuse_the_end_of_this_process() -> None:
    events: list[str] = []

    def refuse(event: str, _: tuple[object, ...]) -> None:
        events.append(event)
        raise PermissionError(event)

    with intercepting(refuse), pytest.raises(PermissionError, match=r"os\.kill"):
        os.kill(os.getpid(), 0)
    os.kill(os.getpid(), 0)
    assert events == ["os.kill"]


def test_nothing_is_told_where_there_is_only_an_interceptor(tmp_path: Path) -> None:
    events: list[str] = []
    with intercepting(lambda event, _: events.append(event)):
        (tmp_path / "file").write_bytes(b"")
    assert events == []
