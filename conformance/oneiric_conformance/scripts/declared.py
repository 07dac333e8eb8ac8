"""What a component declares, held against its code and against the place where the script is started."""

import json
import tempfile
from dataclasses import dataclass
from types import FrameType
from typing import Any

from oneiric_conformance.checks.claims import _has_everything, _needs, _secret_fields, _why_not_here
from oneiric_conformance.checks.meta import _home, _is_model
from oneiric_conformance.handling.contracts import CONTRACTS, lacks
from oneiric_conformance.handling.plain import same
from oneiric_conformance.scripts.base import Declared, expect
from oneiric_core.testing import Act, import_object, listening

__all__ = ["Packaged", "meta_003", "meta_004", "meta_005", "meta_007", "meta_009", "meta_010"]


@dataclass
class Packaged(Declared):
    """``modules`` are the top-level modules of its package."""

    modules: tuple[str, ...] = ()


async def meta_003(component: Packaged, example: Any, payloads: Any) -> None:
    """The factory can be called, and is in the package's own modules."""
    del example, payloads
    made: Any = import_object(component.factory, None)
    expect(callable(made), f"the factory is a {type(made).__name__}", "something that can be called")
    home, own = _home(component.factory), component.modules
    expect(not own or home in own, f"the factory is in {home}", f"one in {', '.join(own)}")


async def meta_004(component: Packaged, example: Any, payloads: Any) -> None:
    """Importing it connects nowhere, starts no process or thread, and writes nothing."""
    del example, payloads
    seen: list[str] = []

    def hear(act: Act, frame: FrameType) -> None:
        del frame
        if act.kind != "temporary":
            seen.append(f"{act.kind} {act.target}")

    with listening(hear):
        for path in (component.factory, component.settings_model):
            if path is not None:
                import_object(path, None)
    expect(not seen, f"importing it also did: {'; '.join(seen)}", "nothing else")


async def meta_005(component: Packaged, example: Any, payloads: Any) -> None:
    """The settings model has a JSON schema, and settings survive being written as JSON and read again."""
    del example, payloads
    if component.settings_model is None:
        return
    model: Any = import_object(component.settings_model, None)
    expect(_is_model(model), f"the settings model is {model!r}", "a pydantic model")
    json.dumps(model.model_json_schema(), allow_nan=False)
    settings = component.settings_in(tempfile.mkdtemp())
    told = ""
    for by_alias in (False, True):
        try:
            again = model.model_validate_json(settings.model_dump_json(round_trip=True, by_alias=by_alias))
            before, after = settings.model_dump(mode="json"), again.model_dump(mode="json")
        except Exception as error:  # noqa: BLE001 - whichever way it cannot be written or read
            told = told or f"the settings could not be written and read again: {error!r}"
            continue
        if same(before, after):
            return
        told = told or f"the settings {before!r} came back as {after!r}"
    expect(not told, told, "the same")


async def meta_007(component: Packaged, example: Any, payloads: Any) -> None:
    """What it requires, conflicts with and is for can be read, and admits this interpreter."""
    del example, payloads
    for name, value in _needs(component.metadata):
        fault = _why_not_here(name, value)
        expect(not fault, f"{name} {value!r}: {fault}", "what this interpreter offers")


async def meta_009(component: Packaged, example: Any, payloads: Any) -> None:
    """It has the methods of what it claims; an adapter claims what it has the methods of."""
    del example, payloads
    instance = await component.built()
    await component.come(instance)
    missing = {name: lacks(instance, name) for name in CONTRACTS}
    everything = _has_everything(instance)
    await component.closed(instance)
    for name in component.claims:
        expect(not missing[name], f"it claims {name} and has no {', '.join(missing[name])}", "what it claims")
    if component.domain == "adapter" and not everything:
        found = [name for name in CONTRACTS if name not in component.claims and not missing[name]]
        expect(not found, f"it has the methods of {', '.join(found)} and does not claim that", "a claim")


async def meta_010(component: Packaged, example: Any, payloads: Any) -> None:
    """Where its settings hold secrets it declares requires_secrets."""
    del example, payloads
    if component.settings_model is not None and component.metadata.get("requires_secrets") is not True:
        secret = [*_secret_fields(import_object(component.settings_model, None))]
        expect(not secret, f"its settings hold a secret in {', '.join(secret)}", "requires_secrets=True")
