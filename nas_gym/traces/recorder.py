"""Records one run: every decision to trace.jsonl, a digest to TensorBoard, snapshots of the policy."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym._files import writing
from nas_gym.errors import ConfigError
from nas_gym.evaluators import Evaluation
from nas_gym.traces.cadence import Snapshots
from nas_gym.traces.lines import Ask, End, Header, Step
from nas_gym.traces.policies.base import Policy, State
from nas_gym.traces.run_folder import RESULT_FORMAT, RunFolder, as_json, write_json
from nas_gym.traces.tensorboard.tables import Row

if TYPE_CHECKING:
    from nas_gym.envs import NASEnv


@dataclass(frozen=True, slots=True)
class Before:
    """What is recorded of a state before the step from it.

    Attributes:
        state: the state.
        t: number of the step in its episode, from 0.
        mask: the legal actions, bool (n,).
        scores: the policy's scores, float64 (n,); None for no policy.
        generator: state of the environment's generator where it draws the seeds of evaluations.
        score: score of the architecture, None where the run does not know it.
    """

    state: State
    t: int
    mask: np.ndarray
    scores: np.ndarray | None
    generator: dict[str, Any] | None
    score: float | None


class Recorder:
    """Records one run of one environment into one folder.

    Args:
        folder: the run's folder; what an unfinished run left in it is removed.
        env: the unwrapped environment.
        agent: name of the agent.
        config: config of the run, as config.json holds it.
        snapshots: the evaluations at which the policy is saved.
        policy: the policy whose scores are recorded; None for none.
        overwrite: record anew over a finished run, too.
        tensorboard: whether the run is shown in TensorBoard.

    Raises:
        NASGymError: if the folder holds a run of another config or a finished one, or is being or
            cannot be written.
    """

    def __init__(
        self,
        folder: RunFolder,
        env: NASEnv,
        agent: str,
        config: Mapping[str, Any],
        snapshots: Snapshots,
        policy: Policy | None,
        overwrite: bool = False,
        tensorboard: bool = True,
    ) -> None:
        from nas_gym.traces.tensorboard.digest import Digest, NoDigest

        self._folder, self._env, self._agent, self._snapshots = folder, env, agent, snapshots
        self.policy = policy
        self._ledger, self._shown = env.ledger, 0
        self._lines = self._batches = self._episode = 0
        self._in_episode = False
        self._writer = folder.take(config, overwrite=overwrite)
        try:
            scores = None if policy is None else policy.kind
            actions = [str(action) for action in env.search_space.actions]
            self._writer.begin(Header(agent, env.ledger.budget, actions, scores))
            metric = env.task.target.metric.label
            self._digest: Digest | NoDigest = NoDigest()
            if tensorboard:
                self._digest = Digest(
                    folder, env.search_space, config, self._ledger, scores, metric, env.objectives
                )
            self._snapshot_if_due()
        except BaseException:
            self._writer.close()
            raise

    def watch(self, policy: Policy | None) -> None:
        """Record the scores of this policy from now on."""
        self.policy = policy
        self._digest.scores = None if policy is None else policy.kind

    def check(self) -> None:
        """Check that the environment is still in the run that is recorded.

        Raises:
            NASGymError: if `start_run` was called since it began.
        """
        if self._env.ledger is not self._ledger:
            raise ConfigError(
                "start_run() was called in the middle of a trace, and a trace holds one run: "
                "wrap the environment in a new Trace, with a folder of its own, for each run"
            )

    def before(self, state: State, t: int) -> Before:
        """Look at a state before a step from it."""
        self.check()
        mask = self._env.action_masks()
        scores = None if self.policy is None else self.policy.scores([state], mask[None])[0]
        draws = self._env.evaluator.draws
        generator = dict(self._env.np_random.bit_generator.state) if draws else None
        score = self._ledger.latest.get(str(state.architecture))
        return Before(state, t, mask, scores, generator, score)

    def step(
        self,
        before: Before,
        action: int,
        reward: float,
        terminated: bool,
        truncated: bool,
        info: dict[str, Any],
    ) -> None:
        """Record a step."""
        self._note_evaluations()
        evaluated = not self._env.reward.episodic or terminated or truncated
        line = Step(
            episode=self._episode,
            t=before.t,
            architecture=str(before.state.architecture),
            steps_left=before.state.steps_left,
            mask=np.flatnonzero(before.mask).tolist(),
            action=action,
            edit=info["edit"],
            scores=None if before.scores is None else _finite(before.scores[before.mask]),
            reward=float(reward),
            terminated=bool(terminated),
            truncated=bool(truncated),
            next=info["architecture"],
            score=info["score"] if evaluated else None,
            illegal_action=info["illegal_action"],
            error=info["error"],
            unique=self._ledger.stats.unique,
            generator=before.generator,
        )
        self._writer.write(line)
        self._lines += 1
        self._in_episode = True
        stats = self._ledger.stats
        self._digest.step(
            Row(line, before.score), before.state, before.mask, before.scores, stats, self._lines
        )
        if terminated or truncated:
            self.end_episode()
        self._snapshot_if_due()

    def ask(self, evaluations: Sequence[Evaluation]) -> None:
        """Record a batch of architectures asked for without a step."""
        self._note_evaluations()
        stats = self._ledger.stats
        asks = [_ask(evaluation, self._batches, stats.unique) for evaluation in evaluations]
        for line in asks:
            self._writer.write(line)
        self._lines += len(asks)
        self._batches += 1
        if asks:
            self._digest.ask(asks, stats, self._lines)
        self._snapshot_if_due()

    def scalars(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Show scalars at a step, by default the current one."""
        shown = {tag: float(value) for tag, value in values.items()}
        self._digest.scalars(shown, self._lines if step is None else step)

    def reading(self, values: Mapping[str, Any], step: int) -> None:
        """Append a reading of a search on shared weights to its file, and show a warning that it holds."""
        with writing(self._folder.readings_file), self._folder.readings_file.open("a") as file:
            file.write(json.dumps(as_json(values)) + "\n")
        if values.get("warning"):
            self._digest.text("one_shot/warning", str(values["warning"]), step)

    def kept_state(self, fields: Collection[str]) -> dict[str, Any] | None:
        """Return the state, with these fields, that an interrupted run of the folder kept."""
        from nas_gym.training import read_state

        return read_state(self._folder.state_file, fields, "the search")

    def keep_state(self, state: Mapping[str, Any]) -> None:
        """Keep the state of a search under way beside the trace."""
        from nas_gym.training import write_state

        write_state(self._folder.state_file, state)

    def end_episode(self) -> None:
        """End the current episode, if it had a step."""
        if self._in_episode:
            self._digest.end_episode(self.policy, self._lines)
            self._episode += 1
            self._in_episode = False

    def finish(self, result: Mapping[str, Any] | None, stopped: str) -> None:
        """Write the closing artefacts, the last line of the trace, and, last of all, the result."""
        self._note_evaluations()
        self._save_policy()
        with writing(self._folder.path):
            self._folder.state_file.unlink(missing_ok=True)
            self._digest.finish(self.policy, self._lines)
        metric = self._env.task.target.metric
        told = {"format": RESULT_FORMAT, "metric": metric.name, "metric_label": metric.label}
        outcome = as_json(told | dict(self._result(stopped) if result is None else result))
        end = End(
            stopped=outcome.get("stopped", stopped),
            architecture=outcome.get("architecture"),
            score=outcome.get("score"),
            lines=self._lines,
            unique=self._ledger.stats.unique,
        )
        self._writer.write(end)
        write_json(self._folder.result_file, outcome)
        self._writer.close()

    def abandon(self) -> None:
        """Close the files of a run that did not come to its end; the next run starts it anew."""
        self._digest.close()
        self._writer.close()

    def _note_evaluations(self) -> None:
        fresh = self._ledger.history[self._shown :]
        if fresh:
            self._digest.evaluated(list(enumerate(fresh, start=self._shown + 1)))
            self._shown += len(fresh)

    def _snapshot_if_due(self) -> None:
        if self._snapshots.due(self._ledger):
            self._save_policy()
            self._digest.snapshot(self.policy, self._lines)

    def _save_policy(self) -> None:
        if self.policy is None:
            return
        with writing(self._folder.policy_folder):
            self._folder.policy_folder.mkdir(exist_ok=True)
            suffix = getattr(self.policy, "suffix", "")
            file = self._folder.policy_folder / f"{self._ledger.stats.unique}{suffix}"
            # Who explains a run that goes on finds whole snapshots only.
            unfinished = file.with_name(f"unfinished-{file.name}") if suffix else file
            self.policy.save(unfinished)
            if suffix:
                unfinished.replace(file)

    def _result(self, stopped: str) -> dict[str, Any]:
        ledger, best = self._ledger, self._ledger.best
        return {
            "agent": self._agent,
            "budget": ledger.budget,
            "architecture": None if best is None else best.architecture,
            "score": None if best is None else best.score,
            "evaluations": [evaluation.as_dict() for evaluation in ledger.history],
            "stopped": stopped,
            "steps": ledger.stats.steps,
            "seconds": ledger.stats.cost,
        }


def _ask(evaluation: Evaluation, batch: int, unique: int) -> Ask:
    return Ask(
        batch=batch,
        architecture=evaluation.architecture,
        fidelity=evaluation.fidelity,
        seeds=list(evaluation.seeds),
        score=evaluation.score,
        status=evaluation.status,
        error=evaluation.error,
        parameters=evaluation.parameters,
        flops=evaluation.flops,
        unique=unique,
    )


def _finite(scores: np.ndarray) -> list[float | None]:
    return [score if math.isfinite(score) else None for score in scores.tolist()]
