"""``oneiric-core keys``: make the pair that signs manifests."""

from pathlib import Path
from typing import Annotated

import typer

from oneiric_core.artifacts.confine import confine
from oneiric_core.cli import render
from oneiric_core.cli.arguments import AsJson, examples
from oneiric_core.cli.finding import plain_application
from oneiric_core.cli.secrets import PasswordEnv, read_password
from oneiric_core.errors import ArtifactError, PathTraversalError
from oneiric_core.publish.write import PRIVATE, write_new_file
from oneiric_core.trust import generate_private_key, private_pem, public_key_of

__all__ = ["verb"]

verb = plain_application()


@verb.callback()
def keys() -> None:
    """Make the pair that signs manifests."""


@verb.command(
    epilog=examples(
        "oneiric-core keys generate --output-dir keys",
        "oneiric-core keys generate --output-dir keys --name release --password-env KEY_PASSWORD",
    )
)
def generate(
    output_dir: Annotated[
        Path, typer.Option("--output-dir", metavar="DIR", help="Where to write it; made if need be.")
    ],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the files are called.")] = "oneiric",
    password_env: PasswordEnv = None,
    as_json: AsJson = False,
) -> None:
    """Make an Ed25519 pair: NAME.private.pem, which only you can read, and NAME.public.pem, for everybody.

    Neither file is ever overwritten. With a password the private key is encrypted.
    """
    try:
        alone = confine(output_dir, name).parent == output_dir
    except PathTraversalError:
        alone = False
    if not alone:
        raise typer.BadParameter(f"{name!r} is not the name of a file", param_hint="--name")
    private_path, public_path = (output_dir / f"{name}.{half}.pem" for half in ("private", "public"))
    password = read_password(password_env)
    for path in (private_path, public_path):
        if path.exists():
            raise ArtifactError(f"{path} exists already, and a key is never overwritten", fix="Choose another --name")
    try:
        output_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ArtifactError(
            f"{output_dir} cannot be made: {error.strerror}", fix="Choose a place you may write to"
        ) from error
    private = generate_private_key()
    public = public_key_of(private)
    write_new_file(private_path, private_pem(private, password=password).encode(), mode=PRIVATE)
    try:
        write_new_file(public_path, public.pem.encode())
    except ArtifactError:
        private_path.unlink()  # half a pair is of use to nobody
        raise
    if as_json:
        render.data(
            {"private_key": str(private_path), "public_key": str(public_path), "fingerprint": public.fingerprint}
        )
        return
    render.text(f"{private_path}: keep it secret{'' if password else ', it is not encrypted'}")
    render.text(f"{public_path}: give it to those who are to believe you")
    render.text(f"fingerprint {public.fingerprint}")
