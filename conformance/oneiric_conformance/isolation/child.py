"""A process of its own for code that is not trusted yet: watched from outside, and ended with everything it started.

The child says what it does as lines of JSON on a pipe that is not its standard output, which belongs to the subject.
Each stage has its own time; the parent does not rely on the child to notice.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from oneiric_conformance.isolation.forkserver import ForkServer
from oneiric_conformance.observing.frames import Whose, whose_code
from oneiric_conformance.observing.sandbox import Sandbox
from oneiric_core import ConformanceError

__all__ = ["ChildEnd", "fork_child", "run_child"]

_BOOTING: Final = ""
"""The stage before the first one: the child's own start, which is the kit's business."""

_START_SECONDS: Final = 20.0
_TAIL: Final = 1 << 16
_AT_WORK: Final = 0.1
"""The share of the processor above which a child works, and does not wait for something that never comes."""
_MOST: Final = 6
"""How many times its own time it is given at most."""
_ESCAPED: Final = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
"""How :mod:`faulthandler` writes what is not ASCII."""


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """What a child told, and how it ended.

    :param notes: its lines in order, without those that begin a stage.
    :param stage: the last one it began.
    :param fault: why it did not come to its end by itself; empty if it did.
    """

    notes: tuple[Mapping[str, Any], ...]
    stage: str
    fault: str


def run_child(module: str, request: Mapping[str, Any], box: Sandbox, seconds: Mapping[str, float]) -> ChildEnd:
    """Run ``oneiric_conformance.isolation.<module>.main(request, descriptor)`` in a fresh process in ``box``.

    :param request: may name another ``environment`` and another ``work`` (directory) than those of the box.
    :param seconds: the time each stage may take.
    :raises ConformanceError: if the child did not get as far as the subject.
    """
    asked, errors = box.root / "request.json", box.root / "stderr"
    around = {"module": module, "environment": box.environment(), "work": str(box.work), "sys.path": sys.path}
    asked.write_text(json.dumps({**around, **request}), encoding="utf-8")
    box.work.mkdir(exist_ok=True)
    told, tell = os.pipe()
    try:
        with errors.open("wb") as stderr:
            child = ForkServer.mine(stderr).fork(asked, tell, stderr)
    except ChildProcessError as error:
        os.close(told)
        raise _unborn(f"could not be started: {error}", errors) from error
    finally:
        os.close(tell)
    end = _followed(told, child.pid, child.wait, seconds, errors)
    return end if end.fault or child.known else replace(end, fault="ended the process that started it")


def fork_child(act: Callable[[int], object], box: Sandbox, seconds: Mapping[str, float]) -> ChildEnd:
    """Run ``act(descriptor)`` in a copy of this process: for objects that no other process could import."""
    told, tell = os.pipe()
    errors = box.root / "stderr"
    box.work.mkdir(exist_ok=True)
    pid = _fork()
    if pid == 0:
        _become_child(act, tell, box, errors)
    os.close(tell)
    return _followed(told, pid, _waiting(pid), seconds, errors)


def _fork() -> int:
    import warnings  # noqa: PLC0415 - rarely needed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads are not used by the child
        return os.fork()


def _become_child(act: Callable[[int], object], tell: int, box: Sandbox, errors: Path) -> None:
    code = 70
    try:
        os.setsid()
        null, log = os.open(os.devnull, os.O_RDWR), os.open(errors, os.O_WRONLY | os.O_CREAT)
        for number, target in ((null, 0), (null, 1), (log, 2)):
            os.dup2(number, target)
        os.chdir(box.work)
        act(tell)
        code = 0
    finally:
        os._exit(code)


def _waiting(pid: int) -> Callable[..., int]:
    def wait(timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            ended, status = os.waitpid(pid, 0 if deadline is None else os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("fork", timeout or 0)
            time.sleep(0.005)

    return wait


def _followed(told: int, pid: int, wait: Callable[..., int], seconds: Mapping[str, float], errors: Path) -> ChildEnd:
    """Read until the child says it is done, closes the pipe or takes too long; then end its process group."""
    notes: list[Mapping[str, Any]] = []
    stage, done, late = _BOOTING, False, False
    try:
        with _killing(pid, wait), os.fdopen(told, "rb", buffering=0) as pipe:
            lines = _Lines(pipe.fileno())
            while not done:
                line = _patiently(lines, pid, seconds.get(stage, _START_SECONDS))
                if line is None:
                    late = True
                    break
                if not line:
                    break
                note = json.loads(line)
                stage = note.get("stage", stage)
                done = note.get("done", False)
                if "stage" not in note and not done:
                    notes.append(note)
            fault = ""
            if late:
                fault = f"did not end within {seconds.get(stage, _START_SECONDS):g} s{_where(pid, errors)}"
            elif not done:
                fault = _ended(wait, errors)
    except ValueError as error:
        fault = f"wrote on the kit's pipe ({error})"
    if stage == _BOOTING and fault:
        raise _unborn(fault, errors)
    return ChildEnd(tuple(notes), stage, fault)


def _unborn(fault: str, errors: Path) -> ConformanceError:
    return ConformanceError(
        f"the kit's child process {fault}: {_tail(errors)}",
        fix="Report it; it happened before the component was imported",
        stderr=_tail(errors),
    )


def _patiently(lines: "_Lines", pid: int, seconds: float) -> bytes | None:
    """The next line; on a busy machine, a child that works is given the time for which others kept it waiting."""
    began, before = time.monotonic(), _processor_seconds(pid)
    line = lines.next(seconds)
    while line is None:
        waited, worked = time.monotonic() - began, _processor_seconds(pid) - before
        if not _AT_WORK * waited < worked < seconds or waited > _MOST * seconds:
            return None
        line = lines.next(max(seconds - worked, 0.1))
    return line


def _processor_seconds(pid: int) -> float:
    """What the process has used of the processor; nothing where the system does not say."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


@contextmanager
def _killing(pid: int, wait: Callable[..., int]) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            wait()


class _Lines:
    """Lines from a descriptor, each with its own patience."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN | select.POLLHUP)
        self._held = b""

    def next(self, seconds: float) -> bytes | None:
        """The next line; empty at the end, None if there is none within ``seconds``."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._held:
            left = deadline - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                return None
            data = os.read(self._descriptor, 1 << 16)
            if not data:
                return b""
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        return line


def _ended(wait: Callable[..., int], errors: Path) -> str:
    """How a process ended that did not say so."""
    try:
        code = wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        return "closed the kit's pipe"
    except ChildProcessError:
        return "ended the process that started it"
    if code >= 0:
        return f"ended the process with exit code {code}"
    crash = _stack(errors)
    name = signal.Signals(-code).name
    reason = {"SIGXCPU": "used too much processor time and was", "SIGSEGV": "crashed the interpreter and was"}
    return f"{reason.get(name, 'was')} ended by {name}{f' at {crash}' if crash else ''}"


def _where(pid: int, errors: Path) -> str:
    """Where the main thread stands, from a handler that needs no cooperation of the interpreter."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGUSR1)
        deadline = time.monotonic() + 0.3
        while not _stack(errors) and time.monotonic() < deadline:
            time.sleep(0.01)
    stack = _stack(errors)
    return f"; it was at {stack}" if stack else ""


def _stack(errors: Path) -> str:
    """The innermost line of the subject's own code in what :mod:`faulthandler` wrote."""
    for line in _read(errors).splitlines():
        name, quoted, rest = line.strip().removeprefix('File "').partition('", line ')
        name = _ESCAPED.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16)), name)
        if quoted and whose_code(name) is Whose.SUBJECT:
            number, _, function = rest.partition(" in ")
            return f"{name}:{number} in {function}"
    return ""


def _tail(errors: Path) -> str:
    return " ".join(_read(errors).split())[-300:]


def _read(path: Path) -> str:
    """The end of it, where crashes are told: what a component writes there has no limit."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read(_TAIL).decode("utf-8", errors="replace")
