"""How hard to try: the four profiles of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from oneiric_core import ConformanceError

__all__ = ["PROFILES", "Profile", "profile_named"]


@dataclass(frozen=True, slots=True)
class Profile:
    """What one run may spend.

    :param examples: how many generated examples a property tries.
    :param steps: how many steps one run of a state machine takes at most.
    :param repetitions: how often something is repeated that must not wear out.
    :param seconds: wall time after which a check has failed, whatever it is doing.
    :param seed: what generation starts from; the same number gives the same examples on every machine.
    """

    name: str
    examples: int
    steps: int
    repetitions: int
    seconds: float
    seed: int = 0


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile("quick", examples=6, steps=8, repetitions=10, seconds=60.0),
            Profile("gate", examples=20, steps=15, repetitions=12, seconds=60.0),
            Profile("deep", examples=250, steps=40, repetitions=100, seconds=600.0),
            Profile("explore", examples=500, steps=40, repetitions=12, seconds=600.0),
        )
    }
)
"""``quick`` while writing a component, ``gate`` before every merge, ``deep`` before a release. ``explore`` looks for
what no other run has seen, and is the only one whose seed may be chosen."""


def profile_named(name: str, seed: int | None = None) -> Profile:
    """The profile of that name.

    :param seed: where exploration starts; only ``explore`` takes one, all others are the same on every machine.
    :raises ConformanceError: for an unknown name, or a seed that would be ignored.
    """
    if name not in PROFILES:
        near = get_close_matches(name, PROFILES, n=1)
        raise ConformanceError(
            f"there is no profile {name!r}",
            fix=f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(PROFILES)}",
            profile=name,
        )
    if seed is None:
        return PROFILES[name]
    if name != "explore":
        raise ConformanceError(
            f"profile {name} was given the seed {seed}, but tries the same examples every time",
            fix="Use the profile explore, or leave the seed out",
            profile=name,
            seed=seed,
        )
    return replace(PROFILES[name], seed=seed)
