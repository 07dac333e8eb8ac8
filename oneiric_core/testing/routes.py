"""The scripts of the artifact server without a wire: answers in the process, where the wire is no matter."""

import sys
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

import httpx

from oneiric_core.errors import MisuseError, ViolationError
from oneiric_core.testing.choosing import did_you_mean
from oneiric_core.testing.stacks import stack_of
from oneiric_core.testing.wire.log import Log, Unexpected, told_at_length
from oneiric_core.testing.wire.replies import Redirect, Reply
from oneiric_core.testing.wire.script import Script, Send, WireRequest

if TYPE_CHECKING:
    import respx

__all__ = ["ArtifactRoutes"]

_HOP_BY_HOP: Final = {"connection"}


class ArtifactRoutes:
    """Answers what :mod:`httpx` asks for, any URL, without a socket (by respx).

    Use it as a context manager. It knows :class:`Reply` and :class:`Redirect`; what is wrong on the wire needs one,
    which :class:`ArtifactServer` has. What has no script is answered with 404.

    :param strict: whether :meth:`check` fails after a request that no script was for.
    :raises MisuseError: without the extra ``testing``.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict: Final = strict
        self._scripts: dict[str, list[Script]] = {}
        self._log = Log()
        self._told = False
        self._over = False
        self._router = _router()

    def on(self, url: str, *scripts: Script) -> str:
        """Answer requests for a URL: the first with the first script, and so on; the last is for all further ones.

        :param url: with a query it is for that query only.
        :raises MisuseError: no URL, no script, or one that needs a wire; or after the end.
        """
        if self._over:
            raise MisuseError(
                "the artifact routes are no more", fix="Use them in the block, or the test, they belong to"
            )
        if not _is_url(url):
            raise MisuseError(f"{url!r} is no URL", fix="Begin it with https:// and a host", url=url)
        if not scripts:
            raise MisuseError(f"no script for {url}", fix="Pass at least one, for example Reply(b'…')", url=url)
        for script in scripts:
            if not isinstance(script, Reply | Redirect) or (isinstance(script, Reply) and script.held):
                fix = "Use the artifact server for it, ArtifactServer or oneiric_artifact_server"
                raise MisuseError(f"{script!r} needs a wire", fix=fix, script=script)
        self._scripts[url] = [*scripts]
        return url

    def serve(self, url: str, body: bytes) -> str:
        """Answer requests for a URL with these bytes; the URL."""
        return self.on(url, Reply(body))

    @property
    def requests(self) -> tuple[WireRequest, ...]:
        """All requests so far; their target is the whole URL."""
        return self._log.requests

    @property
    def unexpected(self) -> tuple[Unexpected, ...]:
        """What no script was for."""
        return self._log.unexpected

    def check(self) -> None:
        """Look whether all was as expected.

        :raises ViolationError: in strict mode after anything unexpected, once.
        """
        if self.strict and self.unexpected and not self._told:
            self._told = True
            raise ViolationError(
                f"the artifact routes have no script for what was asked: {told_at_length(self.unexpected)}",
                fix="Script it with on(url, …), or mend what asks for it",
                unexpected=self.unexpected,
            )

    def __enter__(self) -> Self:
        if self._over:
            raise MisuseError("the artifact routes were entered before", fix="Make others")
        self._router.route().mock(side_effect=self._answer)
        self._router.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._router.stop(quiet=True)
        self._over = True
        if kind is None:
            self.check()

    def _answer(self, asked: httpx.Request) -> httpx.Response:
        url = str(asked.url)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in asked.headers.raw)
        request = WireRequest(asked.method, url, headers, asked.content)
        self._log.note(request)
        known = next((place for place in (url, request.path) if place in self._scripts), None)
        if known is None:
            self._note_unexpected(request, stack_of(sys._getframe(1)))  # noqa: SLF001 - documented
            return httpx.Response(404, content=b"no script for this\n")
        scripts = self._scripts[known]
        return _response(scripts.pop(0) if len(scripts) > 1 else scripts[0], request)

    def _note_unexpected(self, request: WireRequest, asked: tuple[str, ...]) -> None:
        why, urls = did_you_mean(request.target, self._scripts), tuple(self._scripts)
        self._log.note_unexpected(Unexpected(str(request), why, headers=request.headers, known=urls, asked=asked))


def _is_url(given: object) -> bool:
    return isinstance(given, str) and urlsplit(given).scheme in {"http", "https"} and bool(urlsplit(given).netloc)


def _response(script: Script, request: WireRequest) -> httpx.Response:
    """What the script would send, read back as a client would."""
    if isinstance(script, Reply):
        script = replace(script, framing="length")  # nobody sees the framing here
    sent = b"".join(step.data for step in script.steps(request) if isinstance(step, Send))
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode("utf-8").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    kept = [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]
    return httpx.Response(int(first.split(" ")[1]), headers=kept, content=body)


def _router() -> "respx.MockRouter":
    try:
        import respx  # noqa: PLC0415 - an extra, which takes 170 ms to import
    except ModuleNotFoundError as error:
        raise MisuseError(
            f"artifact routes need {error.name}", fix="Install it with: pip install 'oneiric-core[testing]'"
        ) from error
    return respx.MockRouter(assert_all_called=False, assert_all_mocked=True)
