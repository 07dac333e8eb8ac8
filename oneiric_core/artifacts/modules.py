"""Code by digest: what an entry with an artifact runs is the code in that artifact, whatever else is installed."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from oneiric_core.artifacts.installed import shadowed_by
from oneiric_core.artifacts.namespace import Namespace, Pin
from oneiric_core.artifacts.store import BlobStore
from oneiric_core.artifacts.unpack import unpack
from oneiric_core.artifacts.wheel import Shadowed
from oneiric_core.artifacts.wheel_rules import LIMITS, WheelLimits
from oneiric_core.components import CodeReference
from oneiric_core.discovery.importing import import_object, split_path
from oneiric_core.errors import ActivationError

__all__ = ["Code", "load_code"]

_namespaces: "Final[WeakValueDictionary[Path, Namespace]]" = WeakValueDictionary()
"""By tree, what is in use in this process: one digest is one namespace, however many manifests bring it."""


class Code:
    """The code of one artifact. Its files stay in the cache while it lives; nothing is imported until asked for."""

    def __init__(self, namespace: Namespace, sha256: str) -> None:
        self.wheel = namespace.wheel
        self.sha256 = sha256
        self._namespace = namespace

    def reference(self, path: str) -> CodeReference:
        """What ``path`` names in it, to be loaded when it is needed.

        :param path: ``"package.module:attribute"`` or ``"package.module.attribute"``.
        :raises ActivationError: the artifact has no such module.
        """
        module, _ = split_path(path)
        if not self._namespace.has(module):
            raise ActivationError(
                f"{path!r} is not in the artifact ({self}), whose packages are "
                f"{', '.join(sorted(self.wheel.top_levels)) or 'none'}",
                fix="Name a module of the artifact, or publish the entry without one",
                path=path,
                sha256=self.sha256,
            )
        return CodeReference(path, self.sha256, self)

    def pin(self) -> Pin:
        """Keep what is loaded of it in ``sys.modules`` until the pin is gone. Whoever has an instance holds one."""
        return self._namespace.pin()

    def load(self, path: str) -> object:
        """What ``path`` names in it, which is a class, function or other object that its own modules made.

        :raises ActivationError: it has no such thing, or importing it raised.
        """
        private = self._namespace.name
        module, attribute = split_path(path)
        pin = self.pin()
        try:
            return import_object(f"{private}.{module}:{attribute}", {private})
        except ActivationError as error:
            what = error.what.replace(f"{private}.", "")
            fix = "Correct the code or the entry, and publish both anew"
            raise ActivationError(f"{what} (in {self})", fix=fix, path=path, sha256=self.sha256) from error
        finally:
            del pin

    def __str__(self) -> str:
        return f"{self.wheel.name} {self.wheel.version}, {self.sha256[:16]}…"


def load_code(store: BlobStore, sha256: str, *, limits: WheelLimits = LIMITS, shadowed: Shadowed = shadowed_by) -> Code:
    """The code of a wheel that is in the cache, scanned and unpacked. Blocks; imports nothing.

    :raises UnsafeWheelError: it must not be unpacked.
    :raises ArtifactError: it is not in the cache, or is for other systems; or the cache cannot be used.
    """
    with ExitStack() as holding:
        holding.enter_context(store.hold(sha256))
        wheel, tree = unpack(store, sha256, limits=limits, shadowed=shadowed)
        namespace = _namespaces.get(tree)
        if namespace is None:
            namespace = _namespaces.setdefault(tree, Namespace(wheel, tree, sha256, holding.pop_all().close))
        return Code(namespace, sha256)
