"""Workflows: their own ``execute(context)``, or the graph they declare, run over the task bridge."""

from functools import partial
from typing import Any

from oneiric_core.bridges.base import Bridge
from oneiric_core.bridges.dag import Dag, DagRun, Node
from oneiric_core.bridges.policy import CallPolicy
from oneiric_core.bridges.task import TaskBridge
from oneiric_core.clock import SYSTEM_CLOCK, Clock
from oneiric_core.components import Candidate
from oneiric_core.domains import DOMAINS, Domain
from oneiric_core.errors import LifecycleError, ResolutionError, told
from oneiric_core.lifecycle import LifecycleManager, find_hook
from oneiric_core.resolver import Resolver

__all__ = ["WorkflowBridge"]


class WorkflowBridge(Bridge):
    """Access to workflows.

    :param tasks: the bridge over which nodes run; one on the same resolver and lifecycle if None.
    """

    domain = Domain.WORKFLOW

    def __init__(
        self,
        resolver: Resolver,
        lifecycle: LifecycleManager,
        clock: Clock = SYSTEM_CLOCK,
        *,
        tasks: TaskBridge | None = None,
    ) -> None:
        super().__init__(resolver, lifecycle, clock)
        self._tasks = TaskBridge(resolver, lifecycle, clock) if tasks is None else tasks

    async def execute(self, key: str, context: Any = None) -> Any:
        """What the workflow's ``execute(context)`` gives; of one that has none, the results of its graph by node.

        The workflow's ``timeout_seconds`` and ``retry_policy`` are about the graph as a whole: a run in which a node
        failed is followed by another one from the beginning, unless a node was cancelled.

        :raises ResolutionError: the graph has a cycle, a dangling reference, or names a task that is not there.
        :raises LifecycleError: a node failed in the last run; ``results``, ``failures`` and ``skipped`` say how far the
            graph got in it. What the workflow's own ``execute`` raises comes through as it is.
        :raises TimeoutError: the last run did not end in time.
        """
        handle = await self.use(key)
        dag = Dag.of(handle.candidate)
        if dag is None or find_hook(handle.instance, (DOMAINS[self.domain].verb,)) is not None:
            return await self._call(key, context)
        bounds = CallPolicy.of(handle.candidate)
        run = await bounds.run(partial(self._attempt_dag, key, context), self._clock, f"{self.domain}/{key}")
        if run.failures:
            raise self._unfinished(key, run)
        return dict(run.results)

    async def run_dag(self, key: str, context: Any = None) -> DagRun:
        """Run the declared graph, whether or not the workflow has an ``execute`` of its own, under a lease.

        A node's task gets the node's ``payload``, or the context if it has none. Before the first node begins, every
        task has been resolved.

        :raises ResolutionError: there is no graph, it is not one, or it names a task that is not there.
        """
        async with self.lease(key):
            handle = await self.use(key)
            dag = self._dag(handle.candidate)
            for node in dag.nodes:
                self._resolver.require(Domain.TASK, node.task)
            return await dag.run(partial(self._step, context))

    def graph(self, key: str) -> dict[str, Any]:
        """The checked graph as plain data, for an engine that takes over where one process is not enough.

        :raises ResolutionError: there is no such workflow or graph, or it is not one.
        """
        return self._dag(self._resolver.require(self.domain, key)).as_dict()

    async def _attempt_dag(self, key: str, context: Any) -> DagRun:
        """One run. Only a failure that is worth another one is raised; one by cancellation is given back."""
        run = await self.run_dag(key, context)
        if run.failures and all(isinstance(each, Exception) for each in run.failures.values()):
            raise self._unfinished(key, run)
        return run

    def _unfinished(self, key: str, run: DagRun) -> LifecycleError:
        reasons = "; ".join(f"{node} raised {told(each)}" for node, each in run.failures.items())
        error = LifecycleError(
            f"{self.domain}/{key} did not come to its end: {reasons}",
            fix="Mend these nodes; those that depend on them were not begun",
            results=run.results,
            failures=run.failures,
            skipped=run.skipped,
        )
        error.__cause__ = next(iter(run.failures.values()))
        return error

    async def _step(self, context: Any, node: Node) -> Any:
        payload = context if node.payload is None else node.payload
        return await self._tasks.run(node.task, payload, policy=node.policy)

    def _dag(self, candidate: Candidate) -> Dag:
        dag = Dag.of(candidate)
        if dag is None:
            raise ResolutionError(f"{candidate.name} declares no dag", fix="Declare one", name=candidate.name)
        return dag
