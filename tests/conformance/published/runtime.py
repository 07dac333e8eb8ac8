"""The published ``oneiric`` 0.17 behind the kit's runtime protocol: its own parts, put together as its own CLI does."""

import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import yaml
from oneiric.actions.bridge import ActionBridge
from oneiric.adapters.bridge import AdapterBridge
from oneiric.core.config import LayerSettings, OneiricSettings, RemoteSourceConfig, RuntimeProfileConfig, SecretsHook
from oneiric.core.lifecycle import LifecycleError, LifecycleManager, LifecycleSafetyOptions
from oneiric.core.resolution import Candidate, CandidateSource, Resolver
from oneiric.domains import EventBridge, ServiceBridge, TaskBridge, WorkflowBridge
from oneiric.remote import loader
from oneiric.remote.security import ENV_TRUSTED_PUBLIC_KEYS
from oneiric.runtime.orchestrator import RuntimeOrchestrator

from oneiric_conformance.runtime import ComponentSpec, Limits, Trust
from oneiric_core.testing import make_settings
from oneiric_core.testing.answers import Answer, Standing, SyncAnswer

KINDS: Final = (
    ("Manifest signature has expired", "ExpiredError"),
    ("Signature verification failed", "SignatureError"),
    ("Manifest signature required", "SignatureError"),
    ("Unsupported signature algorithm", "SignatureError"),
    ("Digest mismatch", "DigestMismatchError"),
    ("Path traversal", "PathTraversalError"),
    ("Local path access denied", "PathTraversalError"),
)
"""The package raises ``ValueError`` for all of these; which rule it kept is in the message alone."""


class PublishedRuntime:
    """One resolver, one lifecycle manager, one cache directory."""

    lacks: ClassVar[Mapping[str, str]] = {
        "rotation": "whom it trusts is an environment variable, and nothing signed replaces it",
        "kit-factories": "its sync leaves out every entry whose factory is not below oneiric",
        "artifact-code": "it fetches what an entry names, and runs what is installed",
    }

    def __init__(self) -> None:
        self._workdir = Path()
        self._orchestrator: RuntimeOrchestrator | None = None
        self._resolver = Resolver()
        self._lifecycle = LifecycleManager(self._resolver)
        self._config = RemoteSourceConfig()
        self._keys = ""

    async def start(self, workdir: Path, trust: Trust, limits: Limits) -> None:
        await self.stop()
        self._workdir = workdir
        self._keys = ",".join(base64.b64encode(key).decode("ascii") for key in trust.keys)
        os.environ[ENV_TRUSTED_PUBLIC_KEYS] = self._keys
        self._config = RemoteSourceConfig(
            enabled=True,
            cache_dir=str(workdir / "cache"),
            signature_required=True,
            signature_threshold=trust.threshold,
            max_retries=1,
            allow_file_uris=True,
            allowed_file_uri_roots=[str(workdir)],
        )
        self._resolver = Resolver()
        self._lifecycle = self._make_lifecycle(limits)

    def _make_lifecycle(self, limits: Limits) -> LifecycleManager:
        return LifecycleManager(
            self._resolver,
            status_snapshot_path=str(self._workdir / "state" / "lifecycle_status.json"),
            safety=LifecycleSafetyOptions(
                activation_timeout=limits.init, health_timeout=limits.health, cleanup_timeout=limits.cleanup
            ),
        )

    async def stop(self) -> None:
        """All there is to stop is the orchestrator: a lifecycle manager has no end."""
        orchestrator, self._orchestrator = self._orchestrator, None
        if orchestrator is not None:
            await orchestrator.stop()
        if os.environ.get(ENV_TRUSTED_PUBLIC_KEYS) == self._keys:
            os.environ.pop(ENV_TRUSTED_PUBLIC_KEYS, None)

    async def verify(self, document: bytes, media_type: str) -> Answer:
        del media_type  # it tries JSON, then YAML
        try:
            loader._parse_manifest(document.decode("utf-8"), signature_policy=self._config)
        except (ValueError, TypeError, yaml.YAMLError) as error:
            return _refused(error)
        return Answer()

    async def rotate(self, root: bytes) -> Answer:
        del root
        raise NotImplementedError

    async def fetch(self, uri: str, sha256: str, length: int | None) -> Answer:
        del length  # it has no such promise
        manager = loader.ArtifactManager(
            self._config.cache_dir,
            allow_file_uris=True,
            allowed_file_uri_roots=[str(self._workdir / "offered")],
        )
        return await _answer(manager.fetch(uri, sha256, {}))

    async def register(self, spec: ComponentSpec) -> Answer:
        metadata = {name: value for name, value in spec.metadata.items() if name != "settings_model"}
        self._resolver.register(
            Candidate(
                domain=spec.domain,
                key=spec.key,
                provider=spec.provider,
                factory=_with_settings(spec),
                metadata=metadata,
                priority=spec.priority,
                stack_level=spec.stack_level,
                source=CandidateSource.MANUAL,
            )
        )
        return Answer()

    async def sync(self, document: bytes, media_type: str) -> SyncAnswer:
        del media_type
        manifest = self._workdir / "manifest"
        manifest.write_bytes(document)
        try:
            result = await loader.sync_remote_manifest(self._resolver, self._config, manifest_url=str(manifest))
        except (ValueError, TypeError, OSError, yaml.YAMLError) as error:
            answer = _refused(error)
            return SyncAnswer(ok=False, kind=answer.kind, reason=answer.reason)
        finally:
            manifest.unlink(missing_ok=True)
        if result is None:
            return SyncAnswer(ok=False, kind="CircuitBreakerOpen", reason="the circuit breaker is open")
        return SyncAnswer(registered=result.registered)

    async def follow(self, manifest: Path, every: float) -> None:
        settings = OneiricSettings(
            cache_dir=self._config.cache_dir,
            remote=self._config.model_copy(update={"allowed_file_uri_roots": [str(manifest.parent)]}),
            profile=RuntimeProfileConfig(watchers_enabled=False, supervisor_enabled=False),
        )
        secrets = SecretsHook(self._lifecycle, settings.secrets)
        self._orchestrator = RuntimeOrchestrator(settings, self._resolver, self._lifecycle, secrets)
        await self._orchestrator.start(manifest_url=str(manifest), refresh_interval_override=every)

    async def explain(self, domain: str, key: str) -> Mapping[str, Mapping[str, Any]]:
        ranked = [each.candidate for each in self._resolver.explain(domain, key).ordered]
        return {
            str(candidate.provider): {
                "factory": candidate.factory,
                "priority": candidate.priority,
                "stack_level": candidate.stack_level,
                "metadata": candidate.metadata,
            }
            for candidate in reversed(ranked)
        }

    async def activate(self, domain: str, key: str, provider: str | None = None) -> Answer:
        return await _answer(self._lifecycle.activate(domain, key, provider))

    async def swap(self, domain: str, key: str, provider: str | None = None) -> Answer:
        return await _answer(self._lifecycle.swap(domain, key, provider))

    @asynccontextmanager
    async def lease(self, domain: str, key: str) -> AsyncIterator[Any]:
        """What readers get: it has handles, and nothing that protects one."""
        if (domain, key) not in self._lifecycle._instances:
            raise LookupError(f"no instance of {domain}/{key}")
        yield self._lifecycle.get_instance(domain, key)

    async def call(self, domain: str, key: str, payload: Any) -> Any:
        bridge, verb = _BRIDGES[domain]
        made = bridge(self._resolver, self._lifecycle, LayerSettings())
        handle = await made.use(key)
        return await getattr(handle.instance, verb)(payload)

    async def emit(self, topic: str, payload: Mapping[str, Any], headers: Mapping[str, Any]) -> Collection[str]:
        bridge = EventBridge(self._resolver, self._lifecycle, LayerSettings())
        results = await bridge.emit(topic, dict(payload), dict(headers))
        return [result.handler.partition(":")[0] for result in results]

    async def status(self, domain: str, key: str) -> Standing:
        found = self._lifecycle.get_status(domain, key)
        if found is None:
            return Standing()
        return Standing(found.current_provider or "", found.successful_swaps, found.state, found.last_error or "")


_BRIDGES: Final[Mapping[str, tuple[Callable[..., Any], str]]] = {
    "adapter": (AdapterBridge, ""),
    "service": (ServiceBridge, "status"),
    "task": (TaskBridge, "run"),
    "event": (EventBridge, "handle"),
    "workflow": (WorkflowBridge, "execute"),
    "action": (ActionBridge, "execute"),
}


def _with_settings(spec: ComponentSpec) -> Callable[[], object]:
    """It calls factories without settings, so that whoever has some binds them; and it would copy an object."""
    factory: Any = spec.factory
    if isinstance(factory, str):
        return factory
    model = spec.metadata.get("settings_model")
    settings = make_settings(model, spec.settings)
    return lambda: factory(settings)


async def _answer(act: Awaitable[object]) -> Answer:
    try:
        await act
    except (LifecycleError, ValueError, OSError) as error:
        return _refused(error)
    return Answer()


def _refused(error: Exception) -> Answer:
    reason = str(error)
    kind = next((kind for begin, kind in KINDS if reason.startswith(begin)), type(error).__name__)
    return Answer(ok=False, kind=kind, reason=reason)
