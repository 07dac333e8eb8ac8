"""Scripts of the artifact server: good answers, redirects, and each fault with parameters that it can have."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy, composite

from oneiric_core.testing import AMOUNTS, HALVED, Broken, Redirect, Reply, Script, WireFault, refuse_unless

__all__ = ["nasty_scripts", "wire_scripts"]

_STATUSES = (200, 200, 200, 204, 404, 410, 429, 500, 503)
_ENDLESS = frozenset({WireFault.SILENT, WireFault.STALLED_HEAD, WireFault.STALLED_BODY, WireFault.ENDLESS})
_PLACES = ("/other", "other", "../up", "", "//elsewhere.invalid/x", "file:///etc/passwd", "http://[::1]:9/", None)
_LARGEST = 64
_SHORTEST = 2


def wire_scripts(body: bytes, *, ending: bool = True) -> SearchStrategy[Script]:
    """Any script for a request whose good answer is ``body``.

    :param body: at least two bytes, so that each fault has a place to strike.
    :param ending: only scripts after which a client without a time limit comes back.
    :raises MisuseError: a body of fewer bytes.
    """
    name, fix = "the body of a good answer", "Pass at least two bytes, so that half of it can be sent"
    refuse_unless(isinstance(body, bytes), name, body, fix=fix)
    refuse_unless(len(body) >= _SHORTEST, name, body, fix=fix)
    return st.one_of(_replies(body), _redirects(), _broken(body, ending=ending))


def nasty_scripts(body: bytes, *, ending: bool = True) -> list[Script]:
    """Each fault once, as it is; tried first."""
    return [Broken(kind, body) for kind in WireFault if not (ending and kind in _ENDLESS)]


@composite
def _replies(draw: DrawFn, body: bytes) -> Script:
    return Reply(
        body,
        status=draw(st.sampled_from(_STATUSES)),
        etag=draw(st.sampled_from((None, '"v1"', 'W/"v1"'))),
        ranges=draw(st.booleans()),
        framing=draw(st.sampled_from(("length", "chunked", "close"))),
        keep=draw(st.booleans()),
    )


@composite
def _redirects(draw: DrawFn) -> Script:
    return Redirect(draw(st.sampled_from(_PLACES)), draw(st.sampled_from((301, 302, 303, 307, 308))))


@composite
def _broken(draw: DrawFn, body: bytes, *, ending: bool) -> Script:
    kind = draw(st.sampled_from([kind for kind in WireFault if not (ending and kind in _ENDLESS)]))
    at = draw(st.integers(1, len(body) - 1)) if kind in HALVED else None
    amount = draw(st.integers(1, _LARGEST)) if kind in AMOUNTS else None
    return Broken(kind, body, at=at, amount=amount, pause=0.0)
