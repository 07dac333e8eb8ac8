"""``oneiric-core list``: what is installed, what a manifest offers, and what of it wins."""

from collections.abc import Mapping, Sequence
from typing import Any

from oneiric_core.cli import render
from oneiric_core.cli.arguments import AsJson, DomainOption, examples
from oneiric_core.cli.configuring import SettingsOption
from oneiric_core.cli.finding import plain_application
from oneiric_core.cli.gathering import ManifestOption, gather
from oneiric_core.discovery import DiscoveryFailure
from oneiric_core.domains import DOMAINS, Domain
from oneiric_core.resolver import Resolver

__all__ = ["show", "verb"]

_HEAD = ("component", "version", "owner", "capabilities", "why it wins")


verb = plain_application()


@verb.command(
    "list",
    epilog=examples("oneiric-core list --domain adapter", "oneiric-core list --manifest manifest.dsse.json --json"),
)
def list_(
    domain: DomainOption = None,
    manifest: ManifestOption = None,
    settings: SettingsOption = None,
    as_json: AsJson = False,
) -> int:
    """What is installed, or offered by a manifest: version, owner, capabilities, and why it wins."""
    found = gather(manifest, settings)
    return show(found.resolver, found.failed, domain, as_json=as_json, manifest=found.manifest)


def show(
    resolver: Resolver,
    failed: Sequence[DiscoveryFailure],
    domain: str | None,
    *,
    as_json: bool,
    manifest: Mapping[str, Any] | None = None,
) -> int:
    """Print it.

    :param failed: announcements nothing came of; each is a line on standard error.
    :param domain: None means all.
    :param manifest: what there is to say of one that was looked at.
    :return: 1 if there are ``failed`` ones, else 0.
    """
    failed = [each for each in failed if domain is None or each.entry_point.group == DOMAINS[Domain(domain)].group]
    found = [item for name in resolver.keys(domain) for item in _candidates(resolver, *name)]
    unmet = [_unmet(found, *each) for each in resolver.unmet(domain)]
    if as_json:
        seen = {} if manifest is None else {"manifest": dict(manifest)}
        render.data({"components": found, "unmet": unmet, "failed": [_failure(each) for each in failed], **seen})
    elif found or unmet:
        _print_table(found, unmet)
    else:
        _print_nothing(domain)
    if manifest is not None and not as_json:
        _print_manifest(manifest, domain)
    for each in failed:
        render.error(f"{each.entry_point} of {each.entry_point.distribution}: {each.error}")
    return 1 if failed else 0


def _candidates(resolver: Resolver, domain: str, key: str) -> list[dict[str, Any]]:
    explained = resolver.explain(domain, key).as_dict()
    return [{"domain": domain, "key": key, **each} for each in explained["candidates"]]


def _unmet(found: Sequence[dict[str, Any]], domain: str, key: str, provider: str) -> dict[str, Any]:
    offered = [each["provider"] for each in found if (each["domain"], each["key"]) == (domain, key)]
    return {"domain": domain, "key": key, "selection": provider, "offered": [*dict.fromkeys(offered)]}


def _failure(failure: DiscoveryFailure) -> dict[str, str]:
    point = failure.entry_point
    return {"group": point.group, "name": point.name, "distribution": point.distribution, "error": failure.error}


def _print_table(found: Sequence[dict[str, Any]], unmet: Sequence[dict[str, Any]]) -> None:
    winners = [each for each in found if each["won"]]
    render.table(_HEAD, sorted([*map(_row, winners), *map(_unmet_row, unmet)], key=_name))
    if shadowed := len(found) - len(winners):
        render.text()
        render.text(f"{shadowed} more stand behind these: {render.PROGRAM} explain DOMAIN KEY")


def _print_manifest(manifest: Mapping[str, Any], domain: str | None) -> None:
    render.text()
    render.text(
        f"{manifest['path']} is of {manifest['source']}, and was looked at without asking whether it may be believed "
        f"({render.PROGRAM} manifest verify asks)."
    )
    for name, reason in manifest["skipped"].items():
        if domain is None or name.startswith(f"{domain}/"):
            render.text(f"{name} cannot run here: {reason}")


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    metadata = each["metadata"]
    return (
        f"{each['domain']}/{each['key']}/{each['provider']}",
        str(metadata.get("version", "")),
        str(metadata.get("owner", "")),
        ", ".join(each["capabilities"]),
        each["reason"],
    )


def _unmet_row(each: dict[str, Any]) -> tuple[str, ...]:
    there = f"there is {', '.join(each['offered'])}" if each["offered"] else "nothing is here"
    return (
        f"{each['domain']}/{each['key']}",
        "",
        "",
        "",
        f"nothing wins: {each['selection']!r} is selected explicitly, and {there}",
    )


def _name(row: Sequence[str]) -> list[str]:
    return row[0].split("/")


def _print_nothing(domain: str | None) -> None:
    groups = [spec.group for spec in DOMAINS.values() if domain in (None, spec.domain)]
    render.text(f"No {domain or 'component'} is installed here yet.")
    render.text(f"Install a package that announces one by an entry point in {' or '.join(groups)}.")
