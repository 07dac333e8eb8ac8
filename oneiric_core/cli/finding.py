"""Which verbs there are: a file each in ``verbs``, and those that installed packages add.

A package adds one through the entry point group ``oneiric_core.commands``: its name is the verb, its value a function
with typer's annotations, or a ``typer.Typer`` of several. A verb is imported when it is used, so that one which is
broken, or slow to import, is nobody else's trouble.
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import metadata
from typing import Any, Final

import typer
from typer.core import TyperGroup

from oneiric_core.cli import verbs
from oneiric_core.discovery.importing import import_object
from oneiric_core.errors import ActivationError

__all__ = ["GROUP", "Verb", "VerbGroup", "find_verbs"]

GROUP: Final = "oneiric_core.commands"


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb that was not imported yet.

    :param path: where it is, as ``"module:attribute"``.
    :param owner: the distribution that adds it; empty for our own.
    """

    name: str
    path: str
    owner: str = ""

    def load(self) -> typer.Typer:
        """The verb as an application of its own.

        :raises ActivationError: it cannot be imported, or is no verb.
        """
        found = import_object(self.path, None)
        if isinstance(found, typer.Typer):
            return found
        if not callable(found):
            raise ActivationError(
                f"{self.path} is {type(found).__name__}, not a verb",
                fix="Announce a function or a typer.Typer",
                path=self.path,
            )
        application = plain_application()
        application.command(self.name)(found)
        return application


def plain_application() -> typer.Typer:
    """Without boxes, colours and tracebacks of its own: how things look is decided in one place."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def find_verbs() -> Mapping[str, Verb]:
    """Every verb by name; our own cannot be replaced."""
    added = [
        Verb(point.name, point.value, "" if point.dist is None else point.dist.name)
        for point in sorted(metadata.entry_points(group=GROUP))
    ]
    ours = [
        Verb(module.name.rstrip("_").replace("_", "-"), f"{verbs.__name__}.{module.name}:verb")
        for module in pkgutil.iter_modules(verbs.__path__)
    ]
    found = {verb.name: verb for verb in (*added, *ours)}
    return {name: found[name] for name in sorted(found)}


class VerbGroup(TyperGroup):
    """All verbs, each loaded when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return [*find_verbs()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        verb = find_verbs()[cmd_name]
        try:
            command = typer.main.get_command(verb.load())
        except ActivationError as error:
            command = typer.main.get_command(_broken(verb, error))
        command.name = verb.name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, known = args[0], find_verbs()
        if name not in known:
            near = get_close_matches(name, known, n=1)
            ctx.fail(f"there is no verb {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)


def _broken(verb: Verb, error: ActivationError) -> typer.Typer:
    """A verb in the place of one that cannot be loaded: it says so in the help and when it is used."""
    application = plain_application()

    @application.command(
        verb.name,
        help=f"Cannot be loaded: {error.what}",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def fail() -> None:
        raise ActivationError(
            f"the verb {verb.name!r} of {verb.owner or 'this package'} cannot be loaded: {error.what}",
            fix=f"Mend or remove {verb.owner or 'this package'}",
            verb=verb.name,
            owner=verb.owner,
        ) from error

    return application
