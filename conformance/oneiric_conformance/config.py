"""What the author wrote under ``[tool.oneiric.conformance]``, and what was said on the command line instead.

::

    [tool.oneiric.conformance]
    profile = "gate"
    report = "build/conformance.json"

    [tool.oneiric.conformance.components."adapter/storage/acme"]
    settings = { base_path = "{sandbox}", token = "${ACME_TOKEN}" }
    payloads = "acme_tests.payloads:storage"
    external = ["redis://127.0.0.1:6379"]
    exercise = "acme_tests.exercises:storage"
    limits = { init = 20.0 }

A misspelt key would silently change what is judged, so every unknown one is refused.
"""

import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from oneiric_conformance.for_component import ForComponent, components_of, configured
from oneiric_conformance.isolation.external import without_secrets
from oneiric_conformance.levels import LEVELS
from oneiric_conformance.profile import Profile, profile_named
from oneiric_conformance.replaying import Replay
from oneiric_conformance.subject import Package
from oneiric_conformance.written import SECTION, of_type, refuse, refuse_unknown
from oneiric_core import ConformanceError, could_be_path, could_be_variable

__all__ = ["SETTINGS", "Configuration", "read_configuration"]

_FILE: Final = "pyproject.toml"
_AROUND: Final = "[tool.oneiric]"
_DEFAULT: Final = "default"

_WAIVERS: Final = "oneiric-waivers.toml"
_LONGEST_URL: Final = 1000
_PAGE: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[!-~]*)?")
_SEEDS: Final = 1 << 32

SETTINGS: Final[Mapping[str, tuple[type, object]]] = {
    "profile": (str, "gate"),
    "seed": (int, None),
    "component": (list, ()),
    "level": (str, ""),
    "wheel": (Path, None),
    "runtime": (str, ""),
    "waivers": (Path, None),
    "report": (Path, None),
    "html": (Path, None),
    "badge": (Path, None),
    "certificate": (Path, None),
    "signing-key": (Path, None),
    "password-env": (str, ""),
    "run-url": (str, ""),
    "database": (list, ()),
}
"""The keys there are, with types and defaults; the command line has an option for each. A path is written as text,
relative to the file it stands in."""

_EXPLORES: Final = ("seed", "database")
"""What holds for the profile ``explore`` alone: written down it waits for that; asked for at once it needs it."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """How a run is set up.

    :param component: what to judge instead of the project's own components: ``domain/key/provider`` or
        ``module:attribute``.
    :param wheel: the file that is released, or a pattern that one file matches; None for none.
    :param level: what the run has to reach; empty if it only has to fail nowhere.
    :param runtime: import path of what makes the runtime; empty for our own.
    :param waivers: the file of waivers; None if there is none.
    :param report: where to write the report; None for nowhere; ``html``, ``badge`` and ``certificate`` likewise.
    :param signing_key: the file with the private key that the certificate is signed with.
    :param password_env: the environment variable that holds the password of that key; empty if it is not encrypted.
    :param run_url: where people can look at this run, as its page at whoever runs the CI; stands on the certificate.
    :param database: where an exploration saves what failed, and looks for it: directories, or addresses of Redis; in
        every other profile there is none.
    :param replay: the one example that is tried; None if everything is.
    :param components: what holds for one component alone, by its id.
    :param sources: where each value came from.
    """

    profile: Profile
    component: tuple[str, ...] = ()
    level: str = ""
    runtime: str = ""
    wheel: Path | None = None
    waivers: Path | None = None
    report: Path | None = None
    html: Path | None = None
    badge: Path | None = None
    certificate: Path | None = None
    signing_key: Path | None = None
    password_env: str = ""
    run_url: str = ""
    database: tuple[str, ...] = ()
    replay: Replay | None = None
    components: Mapping[str, ForComponent] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def header(self) -> list[str]:
        """One line for each value that somebody set: name, value, where it was set."""
        values = {
            "profile": self.profile.name,
            "seed": self.profile.seed,
            "component": ", ".join(self.component),
            "level": self.level,
            "wheel": self.wheel,
            "runtime": self.runtime,
            "waivers": self.waivers,
            "report": self.report,
            "html": self.html,
            "badge": self.badge,
            "certificate": self.certificate,
            "signing-key": self.signing_key,
            "password-env": self.password_env,
            "run-url": self.run_url,
            "database": ", ".join(map(without_secrets, self.database)),
            "replay": self.replay and f"one example of {self.replay.check} of {self.replay.subject}",
            "components": ", ".join(self.components),
        }
        shown = {name: source for name, source in self.sources.items() if name == "profile" or source != _DEFAULT}
        return [f"{name}: {values[name]} (from {source})" for name, source in shown.items()]

    def applied_to(self, package: Package, *, worker: str = "main", chosen: bool = False) -> Package:
        """The package with its components' settings filled in, ``{worker}`` and ``${NAME}`` replaced.

        :param worker: distinguishes processes that judge at the same time.
        :param chosen: somebody named its components, and there may be settings for others; also if ``component`` did.
        :raises ConformanceError: for settings of a component that is not there, or an environment variable not set.
        """
        known = [subject.id for subject in package.subjects]
        for name in () if chosen or self.component else self.components:
            if name not in known:
                refuse(name, known, f"{SECTION} has settings for {name!r}, which is none of the components")
        subjects = tuple(
            configured(subject, self.components[subject.id], worker) if subject.id in self.components else subject
            for subject in package.subjects
        )
        return replace(package, subjects=subjects)


def read_configuration(rootdir: Path | None, *, replay: str | None = None, **overrides: object) -> Configuration:
    """What holds for a run in ``rootdir``.

    :param rootdir: the author's repository; None has no configuration.
    :param replay: the word of a failure card that stands for one example; it says with which profile and seed.
    :param overrides: values given on the command line, by the names in :data:`SETTINGS`; empty means not given.
    :raises ConformanceError: for an unknown key, a value of another type, or a file that is not TOML.
    """
    written = _written(rootdir)
    refuse_unknown(written, [*SETTINGS, "components"], SECTION)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    named = {name.replace("_", "-"): value for name, value in overrides.items()}
    given = {name: value for name, value in named.items() if value not in (None, "", (), [])}
    refuse_unknown(given, list(SETTINGS), "the command line")
    example = None if replay is None else Replay.decoded(replay)
    if example is not None:
        _refuse_beside_replay(given)
    for name, (kind, default) in SETTINGS.items():
        if name in given:
            values[name], sources[name] = given[name], f"--oneiric-{name}"
        elif name in written:
            values[name], sources[name] = _read(name, written[name], kind), _FILE
        else:
            values[name], sources[name] = default, _DEFAULT
    if not values["waivers"] and rootdir is not None and (rootdir / _WAIVERS).is_file():
        values["waivers"] = sources["waivers"] = _WAIVERS
    if example is not None:
        values["profile"], sources["profile"] = example.profile, "--oneiric-replay"
        sources["replay"] = "--oneiric-replay"
    _refuse_secret(rootdir, values["signing-key"])
    _refuse_no_variable(values["password-env"])
    _refuse_no_page(values["run-url"])
    _make_level_possible(values, sources)
    _settle_exploration(values, sources, example)
    components = components_of(written.get("components", {}))
    if components:
        sources["components"] = _FILE
    return Configuration(
        profile=profile_named(values["profile"], values["seed"]),
        component=tuple(values["component"]),
        level=values["level"],
        runtime=values["runtime"],
        password_env=values["password-env"],
        run_url=values["run-url"],
        database=tuple(values["database"]),
        replay=example,
        **{
            name.replace("-", "_"): _place(rootdir, values[name])
            for name, (kind, _) in SETTINGS.items()
            if kind is Path
        },
        components=components,
        sources=sources,
    )


def _make_level_possible(values: dict[str, Any], sources: dict[str, str]) -> None:
    """Choose the profile that a level asks for where nobody chose one.

    :raises ConformanceError: the level does not exist, or it, or a certificate, cannot be reached with what was chosen.
    """
    level = values["level"]
    if level and level not in LEVELS:
        refuse(level, LEVELS, f"there is no level {level!r}")
    hardened = level == LEVELS[-1]
    if hardened and sources["profile"] == _DEFAULT:
        values["profile"], sources["profile"] = "deep", sources["level"]
    what = f"the level {level}" if level else "a certificate" if values["certificate"] else ""
    fix = ""
    if (hardened or values["certificate"]) and not values["wheel"]:
        fix = "Give the wheel, too"
    elif (hardened and values["profile"] != "deep") or values["profile"] == "quick":
        fix = f"Choose the profile {'deep' if hardened else 'gate'}"
    if what and fix:
        raise ConformanceError(f"{what} cannot be reached in this way", fix=fix, level=level)


def _settle_exploration(values: dict[str, Any], sources: dict[str, str], example: Replay | None) -> None:
    """Choose a seed where nobody chose one; outside of exploration, set aside what is written down for it."""
    explores = values["profile"] == "explore"
    if example is not None:
        values["seed"], values["database"] = example.seed if explores else None, ()
        sources["seed"], sources["database"] = "--oneiric-replay" if explores else _DEFAULT, _DEFAULT
    elif explores and values["seed"] is None:
        values["seed"], sources["seed"] = secrets.randbelow(_SEEDS), "chance"
    for name in () if explores else _EXPLORES:
        if sources[name] == _FILE:
            values[name], sources[name] = SETTINGS[name][1], _DEFAULT
    if values["database"] and not explores:
        raise ConformanceError(
            f"profile {values['profile']} was given a database, but tries the same examples every time",
            fix="Use the profile explore, or leave the database out",
        )


def _refuse_beside_replay(given: Mapping[str, object]) -> None:
    beside = [f"--oneiric-{name}" for name in ("profile", *_EXPLORES) if name in given]
    if beside:
        raise ConformanceError(
            f"{' and '.join(beside)} cannot be given with --oneiric-replay, which says how its example was found",
            fix="Leave one of the two out",
        )


def _refuse_secret(rootdir: Path | None, value: str | Path | None) -> None:
    """Refuse, and do not show, a key in the place of its path."""
    place = _place(rootdir, value)
    if place is not None and not could_be_path(str(value)) and not os.path.lexists(place):
        raise ConformanceError(
            "the signing key is not where it is said to be; that is not shown, since it may be the key itself",
            fix="Say the path of the file, and not what is in it",
        )


def _refuse_no_variable(name: str) -> None:
    """Refuse, and do not show, a password in the place of the name of its variable."""
    if name and not could_be_variable(name) and name not in os.environ:
        raise ConformanceError(
            "there is no environment variable of the name given for the signing key's password; that is not shown, "
            "since it may be the password itself",
            fix="Say the name of the variable, such as ACME_PASSWORD, and not what is in it",
        )


def _refuse_no_page(url: str) -> None:
    """It goes where everybody reads: whatever is no plain address of a page is refused, a password in it above all."""
    if url and (len(url) > _LONGEST_URL or not _PAGE.fullmatch(url)):
        raise ConformanceError(
            f"{without_secrets(url)[:_LONGEST_URL]!r} is no address of a run that anybody could look at",
            fix="Write it as https://host/path",
        )


def _place(rootdir: Path | None, value: str | Path | None) -> Path | None:
    return (rootdir or Path()) / value if value else None


def _written(rootdir: Path | None) -> Mapping[str, Any]:
    if rootdir is None or not (path := rootdir / _FILE).is_file():
        return {}
    try:
        found: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConformanceError(f"{path} is not TOML: {error}", fix="Mend the file", path=str(path)) from error
    for name in ("tool", "oneiric"):
        found = of_type(name, found.get(name, {}), dict)
    _refuse_outside(found)
    return dict(of_type("conformance", found.get("conformance", {}), dict))


def _refuse_outside(written: Mapping[str, Any]) -> None:
    """Refuse what stands in the table around ours, where nobody reads anything else."""
    for name in written:
        if name in {*SETTINGS, "components"}:
            raise ConformanceError(f"{_AROUND} has {name!r}, where nobody reads it", fix=f"Write it into {SECTION}")
    refuse_unknown(written, ["conformance"], _AROUND)


def _read(name: str, value: Any, kind: type) -> Any:
    if name == "database":
        places = [value] if isinstance(value, str) else of_type(name, value, list)
        return [of_type(name, place, str) for place in places]
    return of_type(name, value, str if kind is Path else kind)
