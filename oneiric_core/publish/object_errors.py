"""What the errors of object storage mean, and what to do about them.

The library names some by class and most by what the server said, so they are told apart by their text.
"""

import re
from typing import Final

from oneiric_core.errors import ArtifactError
from oneiric_core.publish.places import Backend, Place

__all__ = ["explained"]

_SAID: Final = re.compile(r'code: "?(\w+)"?, message: "([^"]*)"')
_ASKED: Final = re.compile(r",? context: \{.*?(?=$| => )", re.IGNORECASE | re.DOTALL)
"""The request and the answer, as the library shows them in some of its errors."""
_REGION: Final = re.compile(
    r"<Region>([a-z0-9-]+)</Region>|expecting '([a-z0-9-]+)'"
    r'|status: (?:301|307|400),[^\n]*"x-amz-bucket-region": "([a-z0-9-]+)"'
)
_LONGEST: Final = 300
_MISSING: Final = "there is no such bucket"
_CAUSES: Final = (
    (
        re.compile(r"NoSuchBucket|bucket does not exist|bucket \S+ not found", re.IGNORECASE),
        _MISSING,
        "Create it, or correct --bucket, --region or --endpoint-url",
    ),
    (
        re.compile(r"AuthorizationHeaderMalformed|PermanentRedirect|IllegalLocationConstraint|IncorrectEndpoint"),
        "the bucket is in another region",
        "Say which by --region",
    ),
    (re.compile(r"region is missing"), "the region of the bucket is not known", "Say which by --region"),
    (
        re.compile(r"failed to load signing credential|no valid credential|loading credential", re.IGNORECASE),
        "no credentials were found",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or GOOGLE_APPLICATION_CREDENTIALS",
    ),
    (
        re.compile(r"PermissionDenied|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|code: 401"),
        "the credentials do not allow it",
        "Check them, and that they may create and read objects there; the how-to on publishing shows the least policy",
    ),
    (
        re.compile(r"error sending request|Connection refused|dns error|timed out|connection", re.IGNORECASE),
        "the server cannot be reached",
        "Check the network and --endpoint-url, and say the command again; nothing half-done can be seen there",
    ),
)


def explained(message: str, place: Place) -> ArtifactError:
    """The error to raise for what the library or the server said."""
    said = _SAID.search(message)
    first = _ASKED.sub("", message.splitlines()[0])
    detail = f"{said[1]}: {said[2]}" if said else first.partition("=> ")[2] or first
    detail = detail if len(detail) <= _LONGEST else f"{detail[:_LONGEST]}…"
    if region := _REGION.search(message):
        name = next(filter(None, region.groups()))
        what, fix = f"the bucket is in {name} ({detail})", f"Say --region {name}"
    elif place.backend is Backend.GCS and message.startswith("NotFound"):  # nothing else can be missing there
        what, fix = _MISSING, "Create it, or correct --bucket"
    else:
        what, fix = _cause(message, detail)
    return ArtifactError(f"{place} cannot be used: {what}", fix=fix, place=str(place))


def _cause(message: str, detail: str) -> tuple[str, str]:
    for pattern, meaning, remedy in _CAUSES:
        if pattern.search(message):
            return f"{meaning} ({detail})", remedy
    return detail, "Check --bucket, --region and --endpoint-url, and the policy of the bucket"
