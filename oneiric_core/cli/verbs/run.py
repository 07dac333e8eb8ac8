"""``oneiric-core run``: keep this process as a manifest and the settings say, until interrupted."""

import asyncio
import json
import logging
import signal
from pathlib import Path
from typing import Annotated, Final

import typer

from oneiric_core.cli import render
from oneiric_core.cli.arguments import AsJson, examples
from oneiric_core.cli.configuring import SettingsOption, find_settings
from oneiric_core.cli.finding import plain_application
from oneiric_core.cli.sourcing import (
    CacheDir,
    CertificateKeys,
    HeaderEnv,
    ManifestFile,
    ManifestUrl,
    PublicKeys,
    RequireCertificate,
    Sourcing,
    StateDir,
    Threshold,
    TrustRootFile,
    plan_of,
)
from oneiric_core.discovery import discover
from oneiric_core.resolver import Resolver
from oneiric_core.runtime import HealthSnapshot, RuntimeOrchestrator
from oneiric_core.runtime.plan import Arguments

__all__ = ["verb"]

verb = plain_application()
ENDING: Final = (signal.SIGINT, signal.SIGTERM)


@verb.command(
    "run",
    epilog=examples(
        "oneiric-core run --manifest-url https://acme.example/manifest.json --public-key acme.pem \\\n"
        "--refresh-interval 60",
        "oneiric-core run --settings /etc/acme/oneiric.toml --json",
    ),
)
def run(
    *,
    manifest_url: ManifestUrl = None,
    manifest: ManifestFile = None,
    public_key: PublicKeys = [],  # noqa: B006 - typer's way of saying none
    trust_root: TrustRootFile = None,
    threshold: Threshold = 1,
    refresh_interval: Annotated[
        float | None,
        typer.Option(
            "--refresh-interval",
            metavar="SECONDS",
            min=0.1,
            envvar="ONEIRIC_REFRESH_INTERVAL",
            help="How often to look for a new manifest; a file is also looked at when it changes.",
        ),
    ] = None,
    require_certificate: RequireCertificate = None,
    certificate_key: CertificateKeys = [],  # noqa: B006 - likewise
    header_env: HeaderEnv = [],  # noqa: B006 - likewise
    cache_dir: CacheDir = None,
    state_dir: StateDir = None,
    settings: SettingsOption = None,
    as_json: AsJson = False,
) -> None:
    """Run what the settings select of what is installed and what a manifest offers, and replace it as both change.

    SIGINT and SIGTERM end it: what runs is cleaned up, and the exit code is 0; a second SIGINT does not wait for that.
    Everything that is amiss is told and tried again. With --json each line of the output is a snapshot of how it is.
    """
    sourcing = Sourcing(
        manifest_url=manifest_url,
        manifest=manifest,
        public_key=public_key,
        trust_root=trust_root,
        threshold=threshold,
        header_env=header_env,
        require_certificate=require_certificate,
        certificate_key=certificate_key,
        cache_dir=cache_dir,
        state_dir=state_dir,
        refresh_interval=refresh_interval,
    )
    arguments = sourcing.arguments()
    plan_of(arguments, settings)  # what is wrong from the beginning is told at once
    resolver = Resolver()
    for failure in discover(resolver).failed:
        render.warning(f"{failure.entry_point} of {failure.entry_point.distribution}: {failure.error}")
    logging.getLogger("oneiric_core").addHandler(_Lines())
    asyncio.run(_run(resolver, arguments, find_settings(settings), as_json=as_json))


async def _run(resolver: Resolver, arguments: Arguments, settings: Path | None, *, as_json: bool) -> None:
    asked = _Asked(asyncio.get_running_loop())
    runtime = RuntimeOrchestrator(
        resolver,
        manifest_path=arguments.manifest_path,
        manifest_url=arguments.manifest_url,
        trust=arguments.trust,
        trust_root=arguments.trust_root,
        refresh_interval=arguments.refresh_interval,
        cache_dir=arguments.cache_dir,
        state_dir=arguments.state_dir,
        headers=arguments.headers,
        certificate=arguments.certificate,
        settings=settings,
    )
    teller = _Teller(as_json=as_json)
    runtime.observe(teller.tell)
    async with asyncio.TaskGroup() as group:
        group.create_task(runtime.start())
        await asked.once.wait()
        stopping = group.create_task(runtime.stop())
        impatient = group.create_task(asked.again.wait())
        await asyncio.wait({stopping, impatient}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            raise KeyboardInterrupt  # who asks again does not want to wait for the clean-up
        impatient.cancel()


class _Asked:
    """Whether it was asked to end, by a signal: once, and by a person once more.

    Who supervises processes may well send SIGTERM twice, as ``timeout`` does, to the process and to its group.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.once, self.again = asyncio.Event(), asyncio.Event()
        for number in ENDING:
            loop.add_signal_handler(number, self._ask, number)

    def _ask(self, number: int) -> None:
        if self.once.is_set() and number == signal.SIGINT:
            self.again.set()
        self.once.set()


class _Teller:
    """Tells how it is whenever that is something new."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._told = ""

    def tell(self, snapshot: HealthSnapshot) -> None:
        text = json.dumps(snapshot.as_dict()) if self._as_json else _described(snapshot)
        if text != self._told:
            self._told = text
            render.line(text)


def _described(snapshot: HealthSnapshot) -> str:
    active = [
        f"{domain}/{key}/{name}" for domain, each in snapshot.domains.items() for key, name in each.active.items()
    ]
    runs = ", ".join(sorted(active)) or "nothing"
    amiss = "" if snapshot.ready else f"; amiss: {' '.join(snapshot.reasons)}" if snapshot.reasons else ""
    return f"{snapshot.phase}: {runs} runs{amiss}"


class _Lines(logging.Handler):
    """What is logged, as lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            render.warning(record.getMessage())
