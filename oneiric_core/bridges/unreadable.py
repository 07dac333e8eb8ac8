"""What is raised where something declared has no meaning."""

from oneiric_core.errors import ResolutionError

__all__ = ["unreadable"]


def unreadable(name: str, where: str, value: object, fix: str) -> ResolutionError:
    """The refusal of ``value``, which the component ``name`` declares at ``where``."""
    return ResolutionError(f"{where} of {name} holds {value!r}", fix=fix, name=name, where=where, value=value)
