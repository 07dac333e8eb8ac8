"""HOT: everything that can happen to a component while it is replaced, in any order."""

from typing import Final

from hypothesis import strategies as st

from oneiric_conformance.abilities import Ability
from oneiric_conformance.handling.bench import Bench
from oneiric_conformance.handling.offering import can_be_offered
from oneiric_conformance.handling.patience import tight_limits, with_time_to_spare
from oneiric_conformance.handling.reloading import STEPS, Reloading
from oneiric_conformance.registry import check
from oneiric_conformance.runtime import Limits

__all__: list[str] = []

_SLOW: Final = 0.25
_SHARE: Final = 5
_NASTY: Final[tuple[tuple[str, ...], ...]] = (
    (
        *("an activation", "a call that begins", "a swap", "a swap", "a call that ends", "a candidate that fails"),
        *("a swap", "a swap that is cancelled", "a swap to the same provider", "a call"),
    ),
    (
        *("a newer manifest", "a swap to what a manifest brought", "a call that begins", "a bad manifest"),
        *("a newer manifest", "a manifest that brings nothing", "a call that ends", "an older manifest", "a restart"),
        *("an older manifest", "a newer manifest", "an activation", "a candidate that takes too long", "a call"),
    ),
    (
        *("a newer manifest", "a swap to what a manifest brought", "a candidate that fails"),
        *("a manifest that brings nothing", "a call"),
    ),
)


@check(
    "HOT-002",
    judges="component",
    level="must",
    since="2026.1",
    floor=20,
    applies=can_be_offered,
    needs=[Ability.KIT_FACTORIES],
)
def all_of_it_in_any_order(bench: Bench) -> None:
    """Whatever happens to it, in any order (activations, swaps, failures, timeouts, cancellations, calls, manifests
    good and bad, restarts), after every step the invariants of a hot swap hold.

    Readers get one live instance, never a closed one; calls end on the instance they began on; what failed changed
    nothing; every instance is cleaned up exactly once.

    Troubleshooting: the example names the steps, the last one is where it showed. Try them one by one; HOT-003 to
    HOT-008 look at each by itself and say what usually causes it.
    """
    tight = tight_limits(bench, bench.lifetime)
    taken = 0

    async def play(steps: tuple[str, ...], limits: Limits) -> None:
        nonlocal taken
        async with Reloading.begun(bench, limits) as run:
            for name in steps:
                await run.step(name)
            taken += run.taken

    def patiently(steps: tuple[str, ...]) -> None:
        with_time_to_spare(tight, lambda limits: bench.run(play(steps, limits)))

    with bench.control("activated, it serves"):
        patiently(("an activation", "a call"))
    most = bench.profile.steps if bench.lifetime < _SLOW else len(_NASTY[0])
    sequences = st.lists(st.sampled_from([*STEPS]), min_size=4, max_size=most).map(tuple)
    bench.for_all(sequences, patiently, nasty=_NASTY, show="; ".join, share=_SHARE)
    bench.exercised(taken)
