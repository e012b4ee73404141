"""The wrapper that records: around an environment it traces any agent that steps or asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import gymnasium as gym

from nas_gym._checks import plain
from nas_gym._sources import sources_of
from nas_gym.envs import BudgetExhausted, NASEnv
from nas_gym.errors import ConfigError, NASGymError, StoreError
from nas_gym.evaluators import Evaluation
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.traces.cadence import FRACTIONS, Snapshots
from nas_gym.traces.fingerprints import SEARCHER, fingerprints_of
from nas_gym.traces.lines import recorded_reward
from nas_gym.traces.policies.base import Policy, State
from nas_gym.traces.recorder import Recorder
from nas_gym.traces.run_folder import FORMAT, RunFolder, as_json, versions


class Trace(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Records a run into a folder: trace.jsonl, TensorBoard events, policy snapshots, the result.

    Nothing is written before the first step or `evaluate`. `close` or `finish` ends the run; an
    unfinished run in the same folder is recorded anew from its beginning.

    ```python
    env = Trace(gym.make("NAS-v0"), "tensorboard_logs/mine")
    observation, info = env.reset(seed=0)
    for _ in range(100):
        action = env.action_space.sample(info["action_mask"])
        observation, reward, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            observation, info = env.reset()
    env.close()
    ```

    Args:
        env: a NAS environment; wrappers that change rewards or actions go around the trace.
        folder: folder of the run.
        agent: name of the agent.
        config: what else tells this run from others (hyperparameters, budget, seed), JSON-able.
        policy: the policy whose scores are recorded, see `watch`.
        snapshots: the fractions of the budget at which the policy is saved and drawn; without a
            budget it is at 0, 10, 20, 40, ... evaluations.
        overwrite: record anew over a finished run of the same config, too.
        searcher: the agent itself; where it is the user's own code, a change of that is noticed.
        minari: id of a Minari data set that is written of the steps when the run has ended, or a dict of it
            as ``"id"`` and of what `to_minari` takes beside it (``"author"`` ...); None for none.
        tensorboard: whether the run is shown in TensorBoard; without it the folder has all the rest.

    Raises:
        NASGymError: if `env` is not a NAS environment, the folder holds a run of another config, or a
            finished run, or the Minari data set cannot be written.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        folder: str | os.PathLike[str],
        agent: str = "agent",
        config: Mapping[str, Any] | None = None,
        policy: Policy | None = None,
        snapshots: Sequence[float] = FRACTIONS,
        overwrite: bool = False,
        searcher: object = None,
        minari: str | Mapping[str, str] | None = None,
        tensorboard: bool = True,
    ) -> None:
        snapshots = [plain(fraction) for fraction in snapshots]
        gym.utils.RecordConstructorArgs.__init__(
            self,
            folder=os.fspath(folder),
            agent=agent,
            config=None if config is None else as_json(config),
            snapshots=snapshots,
            overwrite=overwrite,
            minari=minari if minari is None or isinstance(minari, str) else dict(minari),
            tensorboard=tensorboard,
        )
        gym.Wrapper.__init__(self, env)
        if not isinstance(env.unwrapped, NASEnv):
            raise ConfigError(f"Trace records NAS environments, not {env.unwrapped}: pass gym.make('NAS-v0')")
        self._nas = env.unwrapped
        self._minari = self._checked_minari(minari)
        self.folder = RunFolder(folder)
        self._agent, self._policy = agent, policy
        self._config = run_config(env, agent, config or {}, searcher)
        self._snapshots = Snapshots(snapshots)
        self._recorder: Recorder | None = None
        self._ended, self._overwrite, self._tensorboard = False, overwrite, tensorboard
        self._stopped = "closed"
        # An exception handled already when the run began says nothing about how the run ends.
        self._handled = sys.exc_info()[1]
        self.folder.check(self._config)
        if self.folder.is_finished and not overwrite:
            raise StoreError(
                f"folder {self.folder.path} holds a finished run: choose another folder, delete it, "
                "or pass overwrite=True"
            )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset; an episode that was going on ends here."""
        if self._recorder is not None and not self._ended:
            with self._recording() as recorder:
                recorder.end_episode()
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step and record."""
        if self._ended:
            return self.env.step(action)
        state, t = self._state()
        recorder = self._open()
        before = recorder.before(state, t)
        try:
            result = self.env.step(action)
        except BudgetExhausted as exhausted:
            self._stopped = exhausted.reason
            raise
        _, reward, terminated, truncated, info = result
        with self._recording():
            recorder.step(before, int(action), recorded_reward(reward), terminated, truncated, info)
        return result

    @property
    def search_space(self) -> SearchSpace[Any]:
        """The search space of the environment."""
        return self._nas.search_space

    @property
    def begun(self) -> bool:
        """Whether the run has begun: from then on its folder is its own."""
        return self._recorder is not None

    @property
    def ended(self) -> bool:
        """Whether the run has ended, so that nothing is recorded any more."""
        return self._ended

    def watch(self, policy: Policy | None) -> None:
        """Record the scores of this policy from now on, and save it at the snapshots."""
        self._policy = policy
        if self._recorder is not None:
            self._recorder.watch(policy)

    def scalars(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Show scalars, by tag, in TensorBoard at a step, by default the current one."""
        if not self._ended:
            with self._recording() as recorder:
                recorder.scalars(values, step)

    def reading(self, values: Mapping[str, Any], scalars: Mapping[str, float], step: int) -> None:
        """Record a reading of a search on shared weights in ``one_shot.jsonl``, and its scalars as `scalars`.

        Args:
            values: the reading, JSON-able; a text under ``"warning"`` is shown in TensorBoard.
            scalars: what is drawn, by tag.
            step: the number of the epoch.
        """
        if not self._ended:
            with self._recording() as recorder:
                recorder.reading(values, step)
                recorder.scalars(scalars, step)

    def kept_state(self, fields: Collection[str]) -> dict[str, Any] | None:
        """Return the state that an interrupted search of this run kept; None where there is none.

        Args:
            fields: what it must have; one that lacks some is left out with a warning.
        """
        if self._ended:
            return None
        with self._recording() as recorder:
            return recorder.kept_state(fields)

    def keep_state(self, state: Mapping[str, Any]) -> None:
        """Keep the state of a search under way, so that it goes on from there if it is interrupted.

        Args:
            state: tensors, numbers and texts, in dicts and lists.
        """
        if not self._ended:
            with self._recording() as recorder:
                recorder.keep_state(state)

    def evaluate(
        self, architectures: str | Architecture | Sequence[str | Architecture], fidelity: int | None = None
    ) -> Any:
        """Evaluate as the environment does, and record it.

        Raises:
            BudgetExhausted: as there; what was evaluated is recorded.
        """
        if self._ended:
            return self._nas.evaluate(architectures, fidelity)
        recorder = self._open()
        recorder.check()
        made = len(self._nas.ledger.history)
        try:
            found = self._nas.evaluate(architectures, fidelity)
        except BudgetExhausted as exhausted:
            self._stopped = exhausted.reason
            with self._recording():
                recorder.ask(self._nas.ledger.history[made:])
            raise
        with self._recording():
            recorder.ask([found] if isinstance(found, Evaluation) else found)
        return found

    def finish(self, result: Mapping[str, Any] | None = None) -> None:
        """End the run: write the closing artefacts and the result.

        Afterwards the environment works on, unrecorded.

        Args:
            result: what to write; None for the best architecture and all evaluations.
        """
        if not self._ended:
            with self._recording() as recorder:
                self._ended = True
                recorder.finish(result, self._stopped)
            if self._minari:
                from nas_gym.traces.minari import to_minari

                to_minari(self.folder.path, env=self._nas, **self._minari)

    def close(self) -> None:
        """Close the environment; ends the run, unless it is being ended by an error."""
        if self._recorder is not None and not self._ended:
            error = sys.exc_info()[1]
            if error is None or error is self._handled or isinstance(error, BudgetExhausted):
                self.finish()
            else:
                self._abandon(self._recorder)
        super().close()

    def _checked_minari(self, given: str | Mapping[str, str] | None) -> dict[str, str]:
        """Return the options of the data set that the run is to leave, {} for none, before it is made."""
        if given is None:
            return {}
        from nas_gym.traces.minari import check_recordable, minari_options

        check_recordable(self._nas)
        return minari_options(given)

    def _open(self) -> Recorder:
        if self._recorder is None:
            self._recorder = Recorder(
                self.folder,
                self._nas,
                self._agent,
                self._config,
                self._snapshots,
                self._policy,
                overwrite=self._overwrite,
                tensorboard=self._tensorboard,
            )
        return self._recorder

    @contextmanager
    def _recording(self) -> Iterator[Recorder]:
        """Record; a run whose files cannot be written any more is left unfinished, even if it is closed."""
        recorder = self._open()
        try:
            yield recorder
        except NASGymError:
            self._abandon(recorder)
            raise

    def _abandon(self, recorder: Recorder) -> None:
        self._ended = True
        recorder.abandon()

    def _state(self) -> tuple[State, int]:
        t = int(self._nas.get_state()["steps"])
        steps_left = self._nas.horizon - t if self._nas.reward.episodic else None
        return State(self._nas.architecture, steps_left), t


class NoTrace:
    """Stands where no trace is around an environment: the same calls, recorded nowhere.

    Args:
        env: the environment.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        self._env = env

    def watch(self, policy: Policy | None) -> None:
        """Record nothing."""

    def scalars(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Record nothing."""

    def reading(self, values: Mapping[str, Any], scalars: Mapping[str, float], step: int) -> None:
        """Record nothing."""

    def kept_state(self, fields: Collection[str]) -> None:
        """Return nothing: what was not recorded was not kept."""

    def keep_state(self, state: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def evaluate(
        self, architectures: str | Architecture | Sequence[str | Architecture], fidelity: int | None = None
    ) -> Any:
        """Evaluate as the environment does."""
        return self._env.unwrapped.evaluate(architectures, fidelity)  # type: ignore[attr-defined]

    def finish(self, result: Mapping[str, Any] | None = None) -> None:
        """Record nothing."""


def trace_of(env: gym.Env[Any, Any]) -> Trace | NoTrace:
    """Return the trace around an environment, or one that records nothing."""
    inner: Any = env
    while isinstance(inner, gym.Wrapper):
        if isinstance(inner, Trace):
            return inner
        inner = inner.env
    return NoTrace(env)


def run_config(
    env: gym.Env[Any, Any], agent: str, config: Mapping[str, Any], searcher: object = None
) -> dict[str, Any]:
    """Return what a run is, as config.json holds it: all that its results depend on.

    Args:
        env: the environment.
        agent: name of the agent.
        config: what else tells this run from others, JSON-able.
        searcher: the agent, whose code is recorded where it is the user's own; None for none.
    """
    nas: Any = env.unwrapped
    fingerprints = fingerprints_of(nas)
    if searcher is not None and (code := sources_of(searcher)):
        fingerprints["code"] |= {SEARCHER: code}
    return as_json(
        {
            "format": FORMAT,
            "env_id": "NAS-v0" if env.spec is None else env.spec.id,
            # Where networks were trained is not what a run is.
            "env": {name: value for name, value in nas.config().items() if name != "executor"},
            "agent": agent,
            "config": dict(config),
            "numerics": nas.evaluator.numerics,
            "versions": versions(),
            "fingerprints": fingerprints,
        }
    )
