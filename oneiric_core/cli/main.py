"""From arguments to an exit code.

0: done. 1: the answer is no. 2: wrong usage. 3: a defect of ours. 130: interrupted.
"""

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version as version_of
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from oneiric_core.cli import render
from oneiric_core.cli.finding import VerbGroup, plain_application
from oneiric_core.errors import OneiricError

__all__ = ["main"]

DONE: Final = 0
NO: Final = 1
USAGE: Final = 2
DEFECT: Final = 3
INTERRUPTED: Final = 130

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_HOME: Final = Path(__file__).parents[1]
_PACKAGE: Final = __name__.partition(".")[0]

# Typer keeps to itself where its usage errors are defined; the parent of the public one is the general one.
_UsageError: Final[Any] = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments (of this process, if None) ask for.

    :return: the exit code. Nothing is raised, whatever happens.
    """
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character shows its escape
    try:
        with _ended_alike():
            code = _run([*sys.argv[1:]] if arguments is None else [*arguments])
            render.flush()
    except _UsageError as error:
        render.error(error.format_message(), _where_to_look(error))
        code = USAGE
    except OneiricError as error:
        question = error.fix.startswith("Did you")
        render.error(error.what, f"{error.fix.removesuffix('?')}{'?' if question or error.fix.endswith('?') else '.'}")
        code = NO
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not stumble over it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except SystemExit as leaving:  # a verb of somebody else may leave in this way
        code = _left(leaving.code)
    except (KeyboardInterrupt, typer.Abort):
        render.error("interrupted")
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - people get a line, not a traceback
        if isinstance(error, OSError) and (what := _not_to_be_had(error)):
            render.error(what, "Name a place that is there and that you may use.")
            code = NO
        else:
            what = f"{type(error).__name__}: {error} (at {_place(error)})"
            render.error(what, "This is a defect of ours. Please report it.")
            code = DEFECT
    return code


@contextmanager
def _ended_alike() -> Iterator[None]:
    """SIGTERM ends a command as SIGINT does: what was begun is tidied away. Whoever ignores it goes on doing so."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _open_what_is_closed() -> None:
    """A program may be started without standard streams, as by ``<&-``; then there is nothing to read or to tell."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - till the very end


def _not_to_be_had(error: OSError) -> str:
    """What to say of a place that was named and cannot be used, or of a disk that is full; empty for a defect of ours.

    A path that nobody looked at before is used where it is needed, and there are many such places; in all of them it is
    the business of whoever named it. Only our own files are ours.
    """
    if error.filename is None:
        return f"it cannot be written: {error.strerror}" if error.errno in _FULL else ""
    path = Path(os.fsdecode(error.filename))
    return "" if path.is_relative_to(_HOME) else f"{path} cannot be used: {error.strerror}"


def _run(arguments: list[str]) -> int:
    application = plain_application(completes=True)
    application.callback(cls=VerbGroup, invoke_without_command=True, help=_HELP)(_options)
    command = typer.main.get_command(application)
    code = command.main(arguments, prog_name=render.PROGRAM, standalone_mode=False)
    return code if isinstance(code, int) else DONE


_HELP: Final = "Replaceable components: what is installed, what wins and why, and how it gets there."


def _show_version(wanted: bool) -> None:
    if wanted:
        render.text(f"{render.PROGRAM} {version_of('oneiric-core')}")
        raise typer.Exit


def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version
    if context.invoked_subcommand is None:
        render.usage(context.get_help())
        raise typer.Exit(USAGE)


def _where_to_look(error: Any) -> str:
    path = render.PROGRAM if error.ctx is None else error.ctx.command_path
    return f"Try '{path} --help'."


def _left(code: object) -> int:
    """What ``sys.exit(code)`` means."""
    if code is None or isinstance(code, int):
        return code or DONE
    render.error(str(code))
    return NO


def _place(error: BaseException) -> str:
    """The innermost line of ours that the error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = [each for each in frames if _PACKAGE in Path(each.filename).parts][-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
