"""A runtime for replaceable components.

Applications ask for a key (``adapter/cache``), a resolver explains which provider wins, a lifecycle manager activates
it and swaps it while the application runs, and signed manifests bring new candidates in.

Everything public can be imported from here. Each name is looked up in its module when it is first asked for (PEP 562),
so that ``import oneiric_core`` alone costs nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oneiric_core.artifacts.confine import confine as confine
    from oneiric_core.artifacts.confine import sanitize_filename as sanitize_filename
    from oneiric_core.artifacts.wheel import Wheel as Wheel
    from oneiric_core.artifacts.wheel import scan_wheel as scan_wheel
    from oneiric_core.artifacts.wheel import wheel_faults as wheel_faults
    from oneiric_core.artifacts.wheel_rules import WheelLimits as WheelLimits
    from oneiric_core.artifacts.wheel_rules import WheelRule as WheelRule
    from oneiric_core.bridges import ActionBridge as ActionBridge
    from oneiric_core.bridges import AdapterBridge as AdapterBridge
    from oneiric_core.bridges import EventBridge as EventBridge
    from oneiric_core.bridges import ServiceBridge as ServiceBridge
    from oneiric_core.bridges import TaskBridge as TaskBridge
    from oneiric_core.bridges import WorkflowBridge as WorkflowBridge
    from oneiric_core.clock import SYSTEM_CLOCK as SYSTEM_CLOCK
    from oneiric_core.clock import Clock as Clock
    from oneiric_core.clock import FrozenClock as FrozenClock
    from oneiric_core.clock import SystemClock as SystemClock
    from oneiric_core.components import ActionMetadata as ActionMetadata
    from oneiric_core.components import AdapterMetadata as AdapterMetadata
    from oneiric_core.components import Candidate as Candidate
    from oneiric_core.components import CandidateSource as CandidateSource
    from oneiric_core.components import EventEnvelope as EventEnvelope
    from oneiric_core.components import EventMetadata as EventMetadata
    from oneiric_core.components import ServiceMetadata as ServiceMetadata
    from oneiric_core.components import TaskMetadata as TaskMetadata
    from oneiric_core.components import WorkflowMetadata as WorkflowMetadata
    from oneiric_core.domains import DOMAINS as DOMAINS
    from oneiric_core.domains import Domain as Domain
    from oneiric_core.errors import ActivationError as ActivationError
    from oneiric_core.errors import ArtifactError as ArtifactError
    from oneiric_core.errors import ArtifactTooLargeError as ArtifactTooLargeError
    from oneiric_core.errors import CertificateError as CertificateError
    from oneiric_core.errors import ConformanceError as ConformanceError
    from oneiric_core.errors import DigestMismatchError as DigestMismatchError
    from oneiric_core.errors import EquivocationError as EquivocationError
    from oneiric_core.errors import ExpiredError as ExpiredError
    from oneiric_core.errors import FetchError as FetchError
    from oneiric_core.errors import HealthError as HealthError
    from oneiric_core.errors import LifecycleError as LifecycleError
    from oneiric_core.errors import ManifestError as ManifestError
    from oneiric_core.errors import MisuseError as MisuseError
    from oneiric_core.errors import OneiricError as OneiricError
    from oneiric_core.errors import PathTraversalError as PathTraversalError
    from oneiric_core.errors import RefusedFetchError as RefusedFetchError
    from oneiric_core.errors import ResolutionError as ResolutionError
    from oneiric_core.errors import RollbackError as RollbackError
    from oneiric_core.errors import SettingsError as SettingsError
    from oneiric_core.errors import SignatureError as SignatureError
    from oneiric_core.errors import SwapError as SwapError
    from oneiric_core.errors import TransientFetchError as TransientFetchError
    from oneiric_core.errors import TrustError as TrustError
    from oneiric_core.errors import UnsafeWheelError as UnsafeWheelError
    from oneiric_core.errors import UntrustedKeyError as UntrustedKeyError
    from oneiric_core.errors import ViolationError as ViolationError
    from oneiric_core.levels import CERTIFICATE_LEVELS as CERTIFICATE_LEVELS
    from oneiric_core.lifecycle import Handle as Handle
    from oneiric_core.lifecycle import LifecycleManager as LifecycleManager
    from oneiric_core.lifecycle import Timeouts as Timeouts
    from oneiric_core.manifest import RemoteManifest as RemoteManifest
    from oneiric_core.manifest import RemoteManifestEntry as RemoteManifestEntry
    from oneiric_core.manifest import get_canonical_manifest_for_signing as get_canonical_manifest_for_signing
    from oneiric_core.remote.artifacts import ArtifactManager as ArtifactManager
    from oneiric_core.remote.fetcher import Answer as Answer
    from oneiric_core.remote.fetcher import Fetcher as Fetcher
    from oneiric_core.remote.fetcher import Request as Request
    from oneiric_core.remote.http import HttpFetcher as HttpFetcher
    from oneiric_core.remote.http_addresses import AddressPolicy as AddressPolicy
    from oneiric_core.remote.limits import FetchLimits as FetchLimits
    from oneiric_core.remote.sync import SyncReport as SyncReport
    from oneiric_core.remote.sync import sync_remote_manifest as sync_remote_manifest
    from oneiric_core.resolver import Explanation as Explanation
    from oneiric_core.resolver import Resolver as Resolver
    from oneiric_core.runtime import HealthSnapshot as HealthSnapshot
    from oneiric_core.runtime import RuntimeOrchestrator as RuntimeOrchestrator
    from oneiric_core.secrecy import could_be_path as could_be_path
    from oneiric_core.secrecy import could_be_variable as could_be_variable
    from oneiric_core.settings import Settings as Settings
    from oneiric_core.trust import Certificate as Certificate
    from oneiric_core.trust import CertificatePolicy as CertificatePolicy
    from oneiric_core.trust import PublicKey as PublicKey
    from oneiric_core.trust import RefuseAll as RefuseAll
    from oneiric_core.trust import TrustPolicy as TrustPolicy
    from oneiric_core.trust import UnsafeAcceptUnsigned as UnsafeAcceptUnsigned
    from oneiric_core.trust import conformance_statement as conformance_statement
    from oneiric_core.trust import load_private_key as load_private_key
    from oneiric_core.trust import load_public_key as load_public_key
    from oneiric_core.trust import open_certificate as open_certificate
    from oneiric_core.trust import sign_certificate as sign_certificate
    from oneiric_core.trust import verify_manifest_signature as verify_manifest_signature

    __version__: str

_EXPORTS = {
    "artifacts.confine": (
        "confine",
        "sanitize_filename",
    ),
    "artifacts.wheel": (
        "Wheel",
        "scan_wheel",
        "wheel_faults",
    ),
    "artifacts.wheel_rules": (
        "WheelLimits",
        "WheelRule",
    ),
    "bridges": (
        "ActionBridge",
        "AdapterBridge",
        "EventBridge",
        "ServiceBridge",
        "TaskBridge",
        "WorkflowBridge",
    ),
    "clock": (
        "Clock",
        "FrozenClock",
        "SYSTEM_CLOCK",
        "SystemClock",
    ),
    "components": (
        "ActionMetadata",
        "AdapterMetadata",
        "Candidate",
        "CandidateSource",
        "EventEnvelope",
        "EventMetadata",
        "ServiceMetadata",
        "TaskMetadata",
        "WorkflowMetadata",
    ),
    "domains": (
        "DOMAINS",
        "Domain",
    ),
    "errors": (
        "ActivationError",
        "ArtifactError",
        "ArtifactTooLargeError",
        "CertificateError",
        "ConformanceError",
        "DigestMismatchError",
        "EquivocationError",
        "ExpiredError",
        "FetchError",
        "HealthError",
        "LifecycleError",
        "ManifestError",
        "MisuseError",
        "OneiricError",
        "PathTraversalError",
        "RefusedFetchError",
        "ResolutionError",
        "RollbackError",
        "SettingsError",
        "SignatureError",
        "SwapError",
        "TransientFetchError",
        "TrustError",
        "UnsafeWheelError",
        "UntrustedKeyError",
        "ViolationError",
    ),
    "levels": ("CERTIFICATE_LEVELS",),
    "lifecycle": (
        "Handle",
        "LifecycleManager",
        "Timeouts",
    ),
    "manifest": (
        "RemoteManifest",
        "RemoteManifestEntry",
        "get_canonical_manifest_for_signing",
    ),
    "remote.artifacts": ("ArtifactManager",),
    "remote.fetcher": (
        "Answer",
        "Fetcher",
        "Request",
    ),
    "remote.http": ("HttpFetcher",),
    "remote.http_addresses": ("AddressPolicy",),
    "remote.limits": ("FetchLimits",),
    "remote.sync": (
        "SyncReport",
        "sync_remote_manifest",
    ),
    "resolver": (
        "Explanation",
        "Resolver",
    ),
    "runtime": (
        "HealthSnapshot",
        "RuntimeOrchestrator",
    ),
    "secrecy": ("could_be_path", "could_be_variable"),
    "settings": ("Settings",),
    "trust": (
        "Certificate",
        "CertificatePolicy",
        "PublicKey",
        "RefuseAll",
        "TrustPolicy",
        "UnsafeAcceptUnsigned",
        "conformance_statement",
        "load_private_key",
        "load_public_key",
        "open_certificate",
        "sign_certificate",
        "verify_manifest_signature",
    ),
}
_HOMES = {name: home for home, names in _EXPORTS.items() for name in names}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - the table is the list

if not TYPE_CHECKING:  # a type checker would let every misspelt name pass

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415 - costs more than all the rest, and few ask

            return version("oneiric-core")
        if name not in _HOMES:
            raise AttributeError(f"module 'oneiric_core' has no attribute {name!r}", name=name)
        from importlib import import_module  # noqa: PLC0415 - likewise

        value = getattr(import_module(f"oneiric_core.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
