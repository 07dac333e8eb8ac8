"""What tests need of the core: keys, manifests and wheels right and wrong, a runtime, and the steps it is made of.

There is no pytest in here. Names are looked up in their modules when they are first asked for, as in the package above.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oneiric_core.artifacts.installed import taken_everywhere as taken_everywhere
    from oneiric_core.clock import FrozenClock as FrozenClock
    from oneiric_core.components import CLEANUP_HOOKS as CLEANUP_HOOKS
    from oneiric_core.components import HEALTH_HOOKS as HEALTH_HOOKS
    from oneiric_core.components import INIT_HOOKS as INIT_HOOKS
    from oneiric_core.discovery import InstalledEntryPoint as InstalledEntryPoint
    from oneiric_core.discovery import candidates_from as candidates_from
    from oneiric_core.discovery import declarations_in as declarations_in
    from oneiric_core.discovery import import_object as import_object
    from oneiric_core.discovery import installed_entry_points as installed_entry_points
    from oneiric_core.durability import without_fsync as without_fsync
    from oneiric_core.lifecycle import LifecycleManager as LifecycleManager
    from oneiric_core.lifecycle import Timeouts as Timeouts
    from oneiric_core.lifecycle import call_hook as call_hook
    from oneiric_core.lifecycle import construct as construct
    from oneiric_core.lifecycle import find_hook as find_hook
    from oneiric_core.lifecycle import make_settings as make_settings
    from oneiric_core.lifecycle import wants_settings as wants_settings
    from oneiric_core.manifest.applicability import why_not_here as why_not_here
    from oneiric_core.remote.environment import current_environment as current_environment
    from oneiric_core.testing.audit import Act as Act
    from oneiric_core.testing.audit import intercepting as intercepting
    from oneiric_core.testing.audit import listening as listening
    from oneiric_core.testing.audit import overhearing as overhearing
    from oneiric_core.testing.audit import possible_places as possible_places
    from oneiric_core.testing.bad_manifests import BadManifest as BadManifest
    from oneiric_core.testing.bad_manifests import bad_manifest as bad_manifest
    from oneiric_core.testing.bad_wheels import BadWheel as BadWheel
    from oneiric_core.testing.bad_wheels import bad_wheel as bad_wheel
    from oneiric_core.testing.cache_sandbox import CacheSandbox as CacheSandbox
    from oneiric_core.testing.cache_sandbox import Trespass as Trespass
    from oneiric_core.testing.certificates import certificate_statement as certificate_statement
    from oneiric_core.testing.certificates import signed_certificate as signed_certificate
    from oneiric_core.testing.choosing import chosen as chosen
    from oneiric_core.testing.choosing import did_you_mean as did_you_mean
    from oneiric_core.testing.choosing import refuse_unless as refuse_unless
    from oneiric_core.testing.code_owners import Owner as Owner
    from oneiric_core.testing.code_owners import owner as owner
    from oneiric_core.testing.core_runtime import CoreRuntime as CoreRuntime
    from oneiric_core.testing.factories import BadManifestFactory as BadManifestFactory
    from oneiric_core.testing.factories import Keys as Keys
    from oneiric_core.testing.factories import MadeManifest as MadeManifest
    from oneiric_core.testing.factories import MadeWheel as MadeWheel
    from oneiric_core.testing.factories import ManifestFactory as ManifestFactory
    from oneiric_core.testing.factories import WheelFactory as WheelFactory
    from oneiric_core.testing.faults import FAULTS as FAULTS
    from oneiric_core.testing.faults import FaultInjected as FaultInjected
    from oneiric_core.testing.faults import FaultPlan as FaultPlan
    from oneiric_core.testing.faults import FaultPlans as FaultPlans
    from oneiric_core.testing.faults import FaultyFactory as FaultyFactory
    from oneiric_core.testing.faults import faulty as faulty
    from oneiric_core.testing.inventory import Inventory as Inventory
    from oneiric_core.testing.inventory import grown as grown
    from oneiric_core.testing.inventory import growth as growth
    from oneiric_core.testing.inventory import take_inventory as take_inventory
    from oneiric_core.testing.keys import PUBLISHER as PUBLISHER
    from oneiric_core.testing.keys import SECOND_PUBLISHER as SECOND_PUBLISHER
    from oneiric_core.testing.keys import STRANGER as STRANGER
    from oneiric_core.testing.keys import KeyPair as KeyPair
    from oneiric_core.testing.keys import key_pair as key_pair
    from oneiric_core.testing.leaks import Leak as Leak
    from oneiric_core.testing.manifests import MEDIA_TYPES as MEDIA_TYPES
    from oneiric_core.testing.manifests import SOURCE as SOURCE
    from oneiric_core.testing.manifests import manifest_entry as manifest_entry
    from oneiric_core.testing.manifests import signed_manifest as signed_manifest
    from oneiric_core.testing.roots import root_document as root_document
    from oneiric_core.testing.roots import root_envelope as root_envelope
    from oneiric_core.testing.roots import signed_root as signed_root
    from oneiric_core.testing.routes import ArtifactRoutes as ArtifactRoutes
    from oneiric_core.testing.runtime_harness import RuntimeHarness as RuntimeHarness
    from oneiric_core.testing.wheels import make_wheel as make_wheel
    from oneiric_core.testing.wheels import wheel_filename as wheel_filename
    from oneiric_core.testing.wire.broken import Broken as Broken
    from oneiric_core.testing.wire.certificates import Tls as Tls
    from oneiric_core.testing.wire.faults import AMOUNTS as AMOUNTS
    from oneiric_core.testing.wire.faults import HALVED as HALVED
    from oneiric_core.testing.wire.faults import WireFault as WireFault
    from oneiric_core.testing.wire.log import Unexpected as Unexpected
    from oneiric_core.testing.wire.replies import Raw as Raw
    from oneiric_core.testing.wire.replies import Redirect as Redirect
    from oneiric_core.testing.wire.replies import Reply as Reply
    from oneiric_core.testing.wire.script import End as End
    from oneiric_core.testing.wire.script import Script as Script
    from oneiric_core.testing.wire.script import WireRequest as WireRequest
    from oneiric_core.testing.wire.server import ArtifactServer as ArtifactServer

_EXPORTS = {
    "artifacts.installed": ("taken_everywhere",),
    "clock": ("FrozenClock",),
    "components": ("CLEANUP_HOOKS", "HEALTH_HOOKS", "INIT_HOOKS"),
    "discovery": (
        "InstalledEntryPoint",
        "candidates_from",
        "declarations_in",
        "import_object",
        "installed_entry_points",
    ),
    "durability": ("without_fsync",),
    "lifecycle": (
        "LifecycleManager",
        "Timeouts",
        "call_hook",
        "construct",
        "find_hook",
        "make_settings",
        "wants_settings",
    ),
    "manifest.applicability": ("why_not_here",),
    "remote.environment": ("current_environment",),
    "testing.certificates": ("certificate_statement", "signed_certificate"),
    "testing.cache_sandbox": ("CacheSandbox", "Trespass"),
    "testing.choosing": ("chosen", "did_you_mean", "refuse_unless"),
    "testing.code_owners": ("Owner", "owner"),
    "testing.core_runtime": ("CoreRuntime",),
    "testing.factories": (
        "BadManifestFactory",
        "Keys",
        "MadeManifest",
        "MadeWheel",
        "ManifestFactory",
        "WheelFactory",
    ),
    "testing.routes": ("ArtifactRoutes",),
    "testing.runtime_harness": ("RuntimeHarness",),
    "testing.faults": ("FAULTS", "FaultInjected", "FaultPlan", "FaultPlans", "FaultyFactory", "faulty"),
    "testing.inventory": ("Inventory", "grown", "growth", "take_inventory"),
    "testing.keys": ("PUBLISHER", "SECOND_PUBLISHER", "STRANGER", "KeyPair", "key_pair"),
    "testing.audit": ("Act", "intercepting", "listening", "overhearing", "possible_places"),
    "testing.bad_manifests": ("BadManifest", "bad_manifest"),
    "testing.bad_wheels": ("BadWheel", "bad_wheel"),
    "testing.leaks": ("Leak",),
    "testing.manifests": ("MEDIA_TYPES", "SOURCE", "manifest_entry", "signed_manifest"),
    "testing.roots": ("root_document", "root_envelope", "signed_root"),
    "testing.wheels": ("make_wheel", "wheel_filename"),
    "testing.wire.broken": ("Broken",),
    "testing.wire.certificates": ("Tls",),
    "testing.wire.faults": ("AMOUNTS", "HALVED", "WireFault"),
    "testing.wire.log": ("Unexpected",),
    "testing.wire.replies": ("Raw", "Redirect", "Reply"),
    "testing.wire.script": ("End", "Script", "WireRequest"),
    "testing.wire.server": ("ArtifactServer",),
}
_HOMES = {name: home for home, names in _EXPORTS.items() for name in names}

__all__ = [*_HOMES]  # noqa: PLE0604 - the table is the list

if not TYPE_CHECKING:  # a type checker would let every misspelt name pass

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'oneiric_core.testing' has no attribute {name!r}", name=name)
        from importlib import import_module  # noqa: PLC0415 - only when a name is asked for

        value = getattr(import_module(f"oneiric_core.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
