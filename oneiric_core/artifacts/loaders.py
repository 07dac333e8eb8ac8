"""Loading the modules of a namespace: source, compiled code, and directories without ``__init__.py``."""

import sys
from collections.abc import Callable, Mapping
from importlib.abc import Loader
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader
from importlib.readers import FileReader
from types import ModuleType
from typing import Any, TypeAlias

__all__ = ["Checked", "ExtensionLoader", "FolderLoader", "SourceLoader"]

Checked: TypeAlias = Callable[[str, bytes], bytes]
"""Gives the content of a file back if it is what was unpacked under that path, and raises ImportError if not."""


class FolderLoader(Loader):
    """Loads a directory without ``__init__.py`` as a package: there is nothing to run.

    :param path: where that would be; the package's data is found beside it.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing."""

    def get_resource_reader(self, fullname: str) -> FileReader:
        del fullname
        return FileReader(self)  # type: ignore[arg-type]  # it asks for the path and for nothing else


class SourceLoader(SourceFileLoader):
    """Loads a module of a namespace from its source, which is checked; no bytecode is read or written."""

    def __init__(self, fullname: str, path: str, checked: Checked, builtins: Mapping[str, Any]) -> None:
        super().__init__(fullname, path)
        self._checked = checked
        self._builtins = builtins

    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        return self.source_to_code(self._checked(path, self.get_data(path)), path)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = self._builtins
        super().exec_module(module)


class ExtensionLoader(ExtensionFileLoader):
    """Loads compiled code, if it can be loaded more than once in a process (multi-phase initialisation, PEP 489)."""

    def __init__(self, fullname: str, path: str, checked: Checked) -> None:
        super().__init__(fullname, path)
        self._checked = checked

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self._checked(self.path, self.get_data(self.path))
        module = super().create_module(spec)
        if sys.modules.pop(spec.name, None) is not None:  # only single-phase initialisation puts it there by itself
            raise ImportError(
                f"{self.path} is an extension module with single-phase initialisation, of which a process can have one "
                "version only. Install the package, and publish the entry without an artifact.",
                name=spec.name,
                path=self.path,
            )
        return module
