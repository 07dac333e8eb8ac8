"""How much a server may make us wait, read and follow."""

from dataclasses import dataclass, fields

from oneiric_core.errors import ManifestError
from oneiric_core.manifest.limits import Limits

__all__ = ["FetchLimits", "too_large"]

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds on one fetch, from its first attempt to its last byte.

    :param seconds: the deadline for a manifest, and the least one for an artifact, retries included.
    :param min_rate: bytes a second; slower is broken off, and no artifact has longer than its length at this rate.
    :param patience: seconds until an answer has to begin, and the stretch of waiting over which the rate is measured.
        (A bound on single reads alone would let a server drip: five bytes every 0.3 s never exceed 0.4 s.)
    :param manifest_bytes: the most bytes of a manifest, wherever it is from.
    :param artifact_bytes: the most bytes of an artifact, declared or not.
    :param header_bytes: the most bytes before the content, interim answers included.
    :param redirects: how many are followed.
    :param attempts: how often a server is asked at most, if what went wrong may go right next time.
    :param retry_seconds: how long is waited between attempts altogether.
    :param undeclared_seconds: the deadline for an artifact of which the manifest declares no length. What its server
        announces earns no more: that is whom it is to bound.
    :raises ValueError: one of them is negative, or zero where nothing could be fetched at all.
    """

    seconds: float = 30.0
    min_rate: float = 16 * KIB
    patience: float = 10.0
    manifest_bytes: int = 16 * MIB
    artifact_bytes: int = 4 * GIB
    header_bytes: int = 64 * KIB
    redirects: int = 5
    attempts: int = 4
    retry_seconds: float = 30.0
    undeclared_seconds: float = 600.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value, least_allowed = getattr(self, each.name), each.name in {"redirects", "retry_seconds"}
            if value < 0 or (value == 0 and not least_allowed):
                raise ValueError(f"{each.name} is {value!r}. Give a positive number.")

    @property
    def document(self) -> Limits:
        """How much of a manifest is read: where more bytes are allowed, so are more values in proportion."""
        usual = Limits()
        nodes = usual.max_nodes * self.manifest_bytes // usual.max_bytes
        return Limits(max_bytes=self.manifest_bytes, max_nodes=max(usual.max_nodes, nodes))

    def deadline(self, most: int, *, declared: bool = True) -> float:
        """Seconds that ``most`` bytes may take; no bytes were ``declared`` where that is just the most allowed."""
        slowest = most / self.min_rate
        return max(self.seconds, slowest if declared else min(slowest, self.undeclared_seconds))


def too_large(name: str, most: int) -> ManifestError:
    """The refusal of a manifest that has more than ``most`` bytes."""
    return ManifestError(
        f"the manifest {name!r} has more than {most} bytes",
        fix="Split it, or raise max_manifest_bytes in the settings (manifest_bytes of the fetcher's FetchLimits)",
        limit=most,
    )
