"""Every error this project raises, grouped by who has to act.

::

    OneiricError
    ├── ManifestError          (ValueError)    the publisher: the document is not one we can read
    ├── TrustError             (ValueError)    the publisher or the operator: it may not be believed
    │   ├── SignatureError                     a signature is missing, malformed or wrong
    │   ├── CertificateError                   an artifact is not certified as it has to be
    │   ├── UntrustedKeyError                  a key cannot be used, or is not one of those trusted
    │   ├── ExpiredError                       too old, or from the future
    │   ├── RollbackError                      older than what was seen before
    │   └── EquivocationError                  two documents under one sequence number
    ├── ArtifactError                          whoever provides the file
    │   ├── PathTraversalError     (ValueError)    a name that would leave its root
    │   ├── DigestMismatchError    (ValueError)    other bytes than the manifest promised
    │   ├── ArtifactTooLargeError  (ValueError)    more bytes than declared or allowed
    │   └── UnsafeWheelError       (ValueError)    a wheel that must not be unpacked
    ├── FetchError                             the network, or whoever runs the server
    │   ├── TransientFetchError                worth another try
    │   └── RefusedFetchError      (ValueError)    never worth another try
    ├── ResolutionError        (LookupError)   the application: nothing answers to that name
    ├── LifecycleError         (RuntimeError)  the component's author
    │   ├── ActivationError                    its factory or ``init`` failed
    │   ├── HealthError                        it did not report itself healthy
    │   └── SwapError                          several keys could not change as one
    ├── SettingsError          (ValueError)    the operator: what is configured has no meaning
    ├── ConformanceError       (RuntimeError)  whoever runs the kit: the run itself cannot go on
    ├── MisuseError            (ValueError)    whoever writes a test: a helper was asked for what it cannot do
    └── ViolationError         (AssertionError)  whoever wrote the code under test: a guard saw what must not happen

An error says what happened and ends with what to do about it. What it was raised on travels along as
:attr:`OneiricError.evidence`, so that programs need not parse messages.
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "ActivationError",
    "ArtifactError",
    "ArtifactTooLargeError",
    "CertificateError",
    "ConformanceError",
    "DigestMismatchError",
    "EquivocationError",
    "ExpiredError",
    "FetchError",
    "HealthError",
    "LifecycleError",
    "ManifestError",
    "MisuseError",
    "OneiricError",
    "PathTraversalError",
    "RefusedFetchError",
    "ResolutionError",
    "RollbackError",
    "SettingsError",
    "SignatureError",
    "SwapError",
    "TransientFetchError",
    "TrustError",
    "UnsafeWheelError",
    "UntrustedKeyError",
    "ViolationError",
    "told",
]


class OneiricError(Exception):
    """Root of the tree.

    :param what: what happened, with the offending value in it; no final full stop, unless it is somebody else's. Of
        several lines the last one is ended.
    :param fix: what the reader should do, as one sentence; no final full stop, but a question mark.
    :param evidence: the values it was raised on, by name.
    """

    def __init__(self, what: str, *, fix: str, **evidence: object) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self._evidence = evidence

    @property
    def evidence(self) -> Mapping[str, object]:
        """What the error was raised on, by name; read-only."""
        return MappingProxyType(self._evidence)

    def __str__(self) -> str:
        between = "" if self.what.endswith("\n") else " "
        return f"{_ended(self.what)}{between}{_ended(self.fix)}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.fix, self._evidence)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?", "\n")) else f"{sentence}."


def told(error: BaseException) -> str:
    """Type and message of an error of somebody else's, whose ``__str__`` may itself raise."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the message is their code; its type says enough
        return type(error).__name__


def _rebuild(cls: type[OneiricError], what: str, fix: str, evidence: dict[str, object]) -> OneiricError:
    return cls(what, fix=fix, **evidence)


class ManifestError(OneiricError, ValueError):
    """The document cannot be read as a manifest; ``line`` and ``column`` (from 1) where known."""


class TrustError(OneiricError, ValueError):
    """The document can be read, but may not be believed."""


class SignatureError(TrustError):
    """A signature is missing, malformed or wrong, or too few distinct keys signed."""


class CertificateError(TrustError):
    """An artifact has no certificate, one that cannot be read, one for other bytes, or one that says too little."""


class UntrustedKeyError(TrustError):
    """A key cannot be used at all, or is not among those trusted."""


class ExpiredError(TrustError):
    """The document is past its expiry, or signed in the future."""


class RollbackError(TrustError):
    """The document is older than one accepted before."""


class EquivocationError(TrustError):
    """The sequence number was used before for other bytes."""


class ArtifactError(OneiricError):
    """A file cannot be kept or used."""


class PathTraversalError(ArtifactError, ValueError):
    """A name would leave the directory it is confined to; messages begin with "Path traversal"."""


class DigestMismatchError(ArtifactError, ValueError):
    """The bytes are not those promised; messages begin with "SHA256 mismatch"."""


class ArtifactTooLargeError(ArtifactError, ValueError):
    """There are more bytes than declared or allowed."""


class UnsafeWheelError(ArtifactError, ValueError):
    """The wheel must not be unpacked; ``member`` and ``rule`` say why."""


class FetchError(OneiricError):
    """Bytes could not be brought here."""


class TransientFetchError(FetchError):
    """It may work later."""


class RefusedFetchError(FetchError, ValueError):
    """It will never work as asked: a policy, a scheme or a 4xx answer forbids it."""


class ResolutionError(OneiricError, LookupError):
    """No candidate answers to the name, or the selection names one that does not exist."""


class LifecycleError(OneiricError, RuntimeError):
    """A component could not change its state; what ran before still runs."""


class ActivationError(LifecycleError):
    """The factory or ``init`` raised, timed out, or gave something that is no instance."""


class HealthError(LifecycleError):
    """The component did not answer ``True`` when asked for its health."""


class SwapError(LifecycleError):
    """Several keys could not be swapped as one; none of them was."""


class SettingsError(OneiricError, ValueError):
    """A setting is unknown or cannot be used; ``key`` is its path where known."""


class ConformanceError(OneiricError, RuntimeError):
    """The conformance run itself cannot go on: configuration, discovery, or a defect of the kit."""


class MisuseError(OneiricError, ValueError):
    """A helper for tests was asked for something it does not have, or at a time when it cannot."""


class ViolationError(OneiricError, AssertionError):
    """A guard of a test saw what must not happen: a write outside, a request nobody expected, something left behind."""
