"""``oneiric-core explain``: one decision in full."""

import inspect
import json
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from oneiric_core.cli import render
from oneiric_core.cli.arguments import AsJson, DomainArgument, examples
from oneiric_core.cli.configuring import SettingsOption
from oneiric_core.cli.finding import plain_application
from oneiric_core.cli.gathering import ManifestOption, gather
from oneiric_core.errors import ResolutionError
from oneiric_core.resolver import Resolver, ranking

__all__ = ["show", "verb"]


verb = plain_application()


@verb.command(
    "explain",
    epilog=examples("oneiric-core explain adapter cache", "oneiric-core explain adapter cache --json"),
)
def explain(
    domain: DomainArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="What applications ask for.", show_default=False)],
    manifest: ManifestOption = None,
    settings: SettingsOption = None,
    as_json: AsJson = False,
) -> None:
    """Why a component wins: every candidate, with all it declares, and what the settings select."""
    show(gather(manifest, settings).resolver, domain, key, as_json=as_json)


def show(resolver: Resolver, domain: str, key: str, *, as_json: bool) -> None:
    """Print it.

    :raises ResolutionError: nothing answers to the key.
    """
    explained = resolver.explain(domain, key).as_dict()
    if not explained["candidates"]:
        raise _unknown(resolver, domain, key)
    if as_json:
        render.data(explained)
        return
    render.text(f"{domain}/{key}: " + (f"{explained['winner']} wins" if explained["winner"] else "nothing wins"))
    for place, each in enumerate(explained["candidates"], start=1):
        render.text()
        render.text(f"{place}. {each['provider']} {'wins' if each['won'] else 'loses'}: {each['reason']}")
        render.fields(_fields(each))
    render.text()
    render.text("Candidates of one domain and key are preferred in this order:")
    for rule in inspect.cleandoc(ranking.__doc__ or "").partition("\n\n")[2].splitlines():
        render.text(rule.replace("``", ""))


def _fields(each: dict[str, Any]) -> list[tuple[str, str]]:
    origin = f"{each['source']}, {each['origin']}" if each["origin"] else each["source"]
    ranked = f"stack_level {each['stack_level']}, priority {each['priority']}, registration {each['sequence']}"
    declared = [(name, _told(value)) for name, value in each["metadata"].items()]
    return [("factory", each["factory"]), ("from", origin), ("rank", ranked), *declared]


def _told(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _unknown(resolver: Resolver, domain: str, key: str) -> ResolutionError:
    keys = [known for _, known in resolver.keys(domain)]
    near = get_close_matches(key, keys, n=1)
    if near:
        fix = f"Did you mean {near[0]}"
    elif keys:
        fix = f"There is {', '.join(keys)}"
    else:
        fix = f"Install a package that announces one; there is no {domain} at all"
    return ResolutionError(f"nothing is installed for {domain}/{key}", fix=fix, domain=domain, key=key)
