"""Which verbs there are: a file each in ``verbs``, and those that installed packages add.

A package adds one through the entry point group ``oneiric_core.commands``: its name is the verb, its value a function
with typer's annotations, or a ``typer.Typer`` of several. A verb is imported when it is used, so that one which is
broken, or slow to import, is nobody else's trouble. The list of all verbs takes what it says of one from the first line
of its module, where that has the form of those in ``verbs``; else it has to import it.
"""

import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import metadata, util
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperGroup

from oneiric_core.cli import verbs
from oneiric_core.errors import ActivationError

__all__ = ["GROUP", "Verb", "VerbGroup", "find_verbs"]

GROUP: Final = "oneiric_core.commands"
_FIRST_LINE: Final = re.compile(r'"""``oneiric-core [a-z-]+``: (\S.*?\.)(?:"""|\n)')


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
        from oneiric_core.discovery.importing import import_object  # noqa: PLC0415 - brings pydantic; the list does not

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

    def summary(self) -> str:
        """What it does, if that can be told without importing it."""
        try:
            spec = util.find_spec(self.path.partition(":")[0])
            text = Path(str(spec.origin)).read_text(encoding="utf-8") if spec is not None else ""
        except (ImportError, OSError, ValueError):
            return ""
        match = _FIRST_LINE.match(text)
        return f"{match[1][0].upper()}{match[1][1:]}" if match else ""


def plain_application(*, completes: bool = False) -> typer.Typer:
    """Without boxes, colours and tracebacks of its own: how things look is decided in one place.

    :param completes: the one at the top also helps shells to complete what is typed.
    """
    return typer.Typer(add_completion=completes, rich_markup_mode=None, pretty_exceptions_enable=False)


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

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            rows = [(verb.name, verb.summary() or self._help_of(ctx, verb)) for verb in find_verbs().values()]
            formatter.write_dl(rows)

    def _help_of(self, ctx: Any, verb: Verb) -> str:
        return str(self.get_command(ctx, verb.name).get_short_help_str())

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
