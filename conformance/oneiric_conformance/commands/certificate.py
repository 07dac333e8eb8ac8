"""``oneiric-core certificate``: look at certificates, verify them, and put reports together."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from oneiric_core import (
    CERTIFICATE_LEVELS,
    SYSTEM_CLOCK,
    Certificate,
    CertificateError,
    CertificatePolicy,
    load_public_key,
    open_certificate,
)
from oneiric_core.cli import render
from oneiric_core.cli.arguments import AsJson, check_level, examples, existing
from oneiric_core.cli.finding import plain_application

if TYPE_CHECKING:
    from oneiric_conformance.outputs import OutputFile

__all__ = ["verb"]

verb = plain_application()

CertificatePath: TypeAlias = Annotated[
    Path, typer.Argument(metavar="PATH", parser=existing, help="A certificate.", show_default=False)
]
_STANDARD_OUTPUT: Final = Path("-")
_LONGEST: Final = 8 * 1024 * 1024


@verb.callback()
def certificate() -> None:
    """Look at certificates, verify them, and put reports together."""


@verb.command(epilog=examples("oneiric-core certificate show certificate.json"))
def show(path: CertificatePath, as_json: AsJson = False) -> None:
    """What a certificate says, whoever signed it.

    With --json that is the statement of in-toto which was signed, and nothing besides.
    """
    said = open_certificate(_read(path))
    if as_json:
        render.data(said.statement)
        return
    meaning = _meaning(said)
    render.fields(_facts(said), indent="")
    for title, sentences in meaning:
        render.text()
        render.text(title)
        for sentence in sentences:
            render.text(f"- {sentence}")
    render.text()
    render.text("Nothing of this was verified: say `oneiric-core certificate verify`, with the issuer's public key.")


@verb.command(
    epilog=examples(
        "oneiric-core certificate verify certificate.json --public-key issuer.pem --wheel acme-1.0-py3-none-any.whl",
        "oneiric-core certificate verify certificate.json --public-key issuer.pem --level hardened",
    )
)
def verify(
    path: CertificatePath,
    *,
    public_key: Annotated[
        list[Path],
        typer.Option("--public-key", metavar="PATH", parser=existing, help="Of an issuer; may be said again."),
    ],
    wheel: Annotated[
        Path | None, typer.Option("--wheel", metavar="PATH", parser=existing, help="The file it has to be about.")
    ] = None,
    level: Annotated[
        str,
        typer.Option(
            "--level", metavar="LEVEL", parser=check_level, help=f"At least {' or '.join(CERTIFICATE_LEVELS)}."
        ),
    ] = CERTIFICATE_LEVELS[0],
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run the kit again over the package as installed, and compare.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Is it to be believed? Works without a network. Exit code 1 if not, with the reason.

    With --json one that is: certificate, package, version, subjects (SHA-256 by name), level, result, waivers (each
    with check, component, reason, until), requirements, profile, run_url, issued_at, expires_at, signers
    (fingerprints), wheel, rerun. What there is none of is null.
    """
    if rerun and wheel is None:
        raise typer.BadParameter("--rerun needs --wheel: else nothing says whether the same is judged")
    policy = CertificatePolicy([load_public_key(key.read_bytes(), name=str(key)) for key in public_key], level)
    found = policy.check_issuer(_read(path))
    found.check_moment(SYSTEM_CLOCK.now())
    if wheel is not None:
        from oneiric_conformance.finding.wheels import digest_of  # noqa: PLC0415 - nobody else needs it

        found.check_subject(digest_of(wheel))
        if rerun:
            _repeat(found, wheel)
    if as_json:
        asked = {"wheel": None if wheel is None else str(wheel), "rerun": rerun}
        render.data({"certificate": str(path), **_plain(found), **asked})
        return
    about = "which was not looked at" if wheel is None else "and that is the file given"
    render.text(f"{path}: signed by {', '.join(found.signers)}; it is about {_subjects(found)}, {about}")
    if rerun:
        render.text("another run came to the same")
    render.fields(_facts(found), indent="")


@verb.command(
    epilog=examples(
        "oneiric-core certificate merge one.json two.json --html both.html",
        "oneiric-core certificate merge report.json --markdown - >> $GITHUB_STEP_SUMMARY",
    )
)
def merge(
    reports: Annotated[
        list[Path],
        typer.Argument(metavar="REPORT...", parser=existing, help="Reports, as JSON.", show_default=False),
    ],
    html: Annotated[Path | None, typer.Option("--html", metavar="PATH", help="Write one page of them.")] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="PATH", help="Write a summary; - for standard output.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put the reports of several runs into one page, or one summary.

    With --json: reports, and the paths of page and summary, of those that were written.
    """
    from oneiric_conformance.reporting.document import read_report  # noqa: PLC0415 - loads the kit
    from oneiric_conformance.reporting.page import page  # noqa: PLC0415 - likewise
    from oneiric_conformance.reporting.summary import summary  # noqa: PLC0415 - likewise

    if html is None and markdown is None:
        raise typer.BadParameter("say what to make of them: --html PATH, --markdown PATH, or both")
    if as_json and _STANDARD_OUTPUT in {html, markdown}:
        raise typer.BadParameter("--json says where things were written; it cannot stand beside them")
    files = {what: _place(path, what) for what, path in (("page", html), ("summary", markdown)) if path is not None}
    documents = [read_report(path) for path in reports]
    texts = {"page": page, "summary": summary}
    written: dict[str, str] = {}
    for what, file in files.items():
        text = texts[what](documents)
        if file is None:
            render.verbatim(text.encode("utf-8"))
        else:
            written[what] = str(file.write(text))
    if as_json:
        render.data({"reports": [str(path) for path in reports], **written})
        return
    for what, path in written.items():
        render.text(f"{what}: {path}")


def _repeat(found: Certificate, wheel: Path) -> None:
    from oneiric_conformance.certifying.repeat import repeat  # noqa: PLC0415 - loads the kit, which others have no need of

    if differences := repeat(found, wheel):
        raise CertificateError(
            f"another run came to something else: {'; '.join(differences[:5])}",
            fix="Compare the two environments, or ask for a new certificate",
            differences=differences,
        )


def _place(path: Path, what: str) -> "OutputFile | None":
    from oneiric_conformance.outputs import OutputFile  # noqa: PLC0415 - loads the kit

    return None if path == _STANDARD_OUTPUT else OutputFile(path, what)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST)
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror}", fix="Name a file you may read") from error


def _facts(said: Certificate) -> list[tuple[str, str]]:
    waivers = "; ".join(
        f"{waiver.check} of {waiver.component}, because {waiver.reason}{waiver.until and f', until {waiver.until}'}"
        for waiver in said.waivers
    )
    return [
        ("package", f"{said.package} {said.version}"),
        ("file", _subjects(said)),
        ("level", said.levels[-1]),
        ("result", said.result),
        ("waived", waivers or "nothing"),
        ("requirements", said.requirements),
        ("profile", said.profile),
        *([("run", url)] if (url := _run_url(said)) is not None else []),
        ("issued", said.issued_at.isoformat()),
        ("expires", said.expires_at.isoformat()),
    ]


def _plain(said: Certificate) -> dict[str, Any]:
    """The same for programs, by names that do not change."""
    return {
        "package": said.package,
        "version": said.version,
        "subjects": dict(said.subjects),
        "level": said.levels[-1],
        "result": said.result,
        "waivers": [asdict(waiver) | {"until": waiver.until or None} for waiver in said.waivers],
        "requirements": said.requirements,
        "profile": said.profile,
        "run_url": _run_url(said),
        "issued_at": said.issued_at.isoformat(),
        "expires_at": said.expires_at.isoformat(),
        "signers": [*said.signers],
    }


def _run_url(said: Certificate) -> str | None:
    url = said.statement["predicate"].get("url")
    return url if isinstance(url, str) else None


def _subjects(said: Certificate) -> str:
    return ", ".join(f"{name} (SHA-256 {digest})" for name, digest in said.subjects.items())


def _meaning(said: Certificate) -> list[tuple[str, list[str]]]:
    extension: dict[str, Any] = said.extension
    titles = (("proves", "It proves, if it is verified:"), ("doesNotProve", "It does not prove:"))
    return [(title, _sentences(name, extension[name])) for name, title in titles if extension.get(name)]


def _sentences(name: str, found: object) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise CertificateError(
            f"this is no conformance certificate: its {name!r} is no list of sentences",
            fix="Give one that the kit issued",
        )
    return found
