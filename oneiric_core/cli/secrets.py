"""Private keys and passwords: from a file, from an environment variable, or from standard input, and never shown.

A secret is not an argument: whoever lists the processes of a machine sees those. Where one is given as an argument
nevertheless, in the place of its path or of a variable's name, no message repeats it.
"""

import os
import stat
import sys
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from oneiric_core.cli import render
from oneiric_core.errors import UntrustedKeyError
from oneiric_core.secrecy import could_be_path, could_be_variable
from oneiric_core.trust import load_private_key

__all__ = ["PasswordEnv", "PrivateKeyEnv", "PrivateKeyFile", "from_environment", "read_password", "read_private_key"]

PrivateKeyFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--private-key",
        metavar="PATH",
        help="The private key: PEM, 32 raw bytes or base64; - reads it from standard input.",
    ),
]
PrivateKeyEnv: TypeAlias = Annotated[
    str | None,
    typer.Option("--private-key-env", metavar="NAME", help="The environment variable that holds the private key."),
]
PasswordEnv: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--password-env", metavar="NAME", help="The environment variable that holds the password of the private key."
    ),
]

_LONGEST_KEY: Final = 65536
_ENCRYPTED: Final = b"ENCRYPTED"
_STANDARD_INPUT: Final = "-"


def read_private_key(file: str | None, variable: str | None, password_variable: str | None) -> Ed25519PrivateKey:
    """The private key from the one place that was named; a person at a terminal is asked for its password.

    :raises typer.BadParameter: not just one place, or none of that name.
    :raises UntrustedKeyError: it cannot be used.
    """
    if (file is None) == (variable is None):
        raise typer.BadParameter("say where the private key is: either --private-key or --private-key-env")
    if variable is not None:
        name, content = variable, from_environment(variable, "--private-key-env").encode("utf-8", "surrogateescape")
    elif file == _STANDARD_INPUT:
        name, content = "standard input", sys.stdin.buffer.read(_LONGEST_KEY)
    else:
        name, content = str(file), _from_file(Path(str(file)))
    if not content.strip():
        raise UntrustedKeyError(f"the private key from {name} is empty", fix="Check where it comes from", name=name)
    password = read_password(password_variable)
    if password is None and _ENCRYPTED in content and sys.stdin.isatty():
        password = str(typer.prompt(f"Password of {name}", hide_input=True, err=True)).encode()
    return load_private_key(content, name=name, password=password)


def read_password(variable: str | None) -> bytes | None:
    """The password in an environment variable, where one is named.

    :raises typer.BadParameter: there is no such variable, or it is empty.
    """
    if variable is None:
        return None
    return from_environment(variable, "--password-env").encode("utf-8", "surrogateescape")


def from_environment(variable: str, option: str) -> str:
    """What an environment variable holds that somebody named.

    :param option: how they named it.
    :raises typer.BadParameter: there is no such variable, or it is empty; the name is shown only if it looks like one.
    """
    value = os.environ.get(variable, "")
    if not value:
        told = f"the environment variable {variable!r} is not set, or empty"
        if not could_be_variable(variable):
            told = "there is no such environment variable; say its name, such as ACME_SECRET, and not what is in it"
        raise typer.BadParameter(told, param_hint=option)
    return value


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LONGEST_KEY)
    except OSError as error:
        told = f"the private key {str(path)!r} cannot be read: {error.strerror}"
        if not could_be_path(str(path)):
            told = "there is no such file; say the path of the private key, and not what is in it"
        raise typer.BadParameter(told, param_hint="--private-key") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        render.warning(f"{path} can be read by others ({stat.filemode(mode)}): say chmod 600 {path}")
    return content
