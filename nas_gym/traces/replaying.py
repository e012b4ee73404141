"""Replaying a trace: every step and evaluation made again, every number compared."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

from nas_gym._trust import UntrustedError, check_named, named_by
from nas_gym.errors import NASGymError, StoreError
from nas_gym.tasks import load_task
from nas_gym.traces.file import read_trace
from nas_gym.traces.fingerprints import check_unchanged, fingerprints_of
from nas_gym.traces.lines import Ask, Header, Step, recorded_reward
from nas_gym.traces.run_folder import RunFolder, as_json

if TYPE_CHECKING:
    from nas_gym.envs import NASEnv, Problem

# On other numerics sums round in another order, which training amplifies: a few validation examples
# may change sides, or values move a little. On CUDA this holds between runs on one machine, too.
TOLERANCE = 0.02
SAFE_TO_COMPARE_EXACTLY = ("cpu",)


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The outcome of a replay.

    Attributes:
        steps, asks: lines that were executed again.
        tolerance: how much scores may differ: 0.0 on the numerics of the recording.
        why: why the tolerance is what it is.
        largest_difference: the largest difference between a score or reward recorded and made again.
        mismatch: the first difference, in one sentence; "" if there is none.
        cut: whether the recording's last line was cut off by a kill and left out.
        ended: whether the recording came to its end.
    """

    steps: int
    asks: int
    tolerance: float
    why: str
    largest_difference: float
    mismatch: str
    cut: bool
    ended: bool

    @property
    def ok(self) -> bool:
        """Whether everything agreed."""
        return not self.mismatch

    def __str__(self) -> str:
        made = f"{self.steps} steps and {self.asks} evaluations made again, {self.why}"
        state = "" if self.ended else "; the recording did not come to its end"
        cut = "; its last line was cut off and left out" if self.cut else ""
        verdict = "all agree" if self.ok else f"mismatch: {self.mismatch}"
        return f"{made}{state}{cut}: {verdict} (largest difference {self.largest_difference:.3g})"


def replay(
    run_folder: str | os.PathLike[str], env: gym.Env[Any, Any] | None = None, store: Any = "memory"
) -> ReplayReport:
    """Execute a recorded run again and compare every reward, score, state and mask.

    It stops at the first mismatch.

    Args:
        run_folder: folder of the run.
        env: the environment; None builds it from the run's config.json.
        store: store of the environment that is built. A fresh one (the default) trains everything again.

    Raises:
        NASGymError: if the folder holds no run, its environment cannot be built from its config, or its
            data or code have changed since.
    """
    folder = RunFolder(run_folder)
    config = folder.config()
    recording = read_trace(folder.trace_file)
    nas: Any = (rebuild(config, store, folder=folder) if env is None else env).unwrapped
    if env is None:
        check_surroundings(folder, config, nas)
    nas.start_run(None)
    tolerance, why = _tolerance(config, nas)
    replayer = _Replayer(nas, tolerance)
    mismatch = replayer.compare_actions(recording.header)
    for number, line in enumerate(recording.lines, start=1):
        if mismatch:
            break
        found = replayer.step(line) if isinstance(line, Step) else replayer.ask(line)
        mismatch = next((f"line {number + 1}: {sentence}" for sentence in found), "")
    return ReplayReport(
        steps=replayer.steps,
        asks=replayer.asks,
        tolerance=tolerance,
        why=why,
        largest_difference=replayer.largest,
        mismatch=mismatch,
        cut=recording.cut,
        ended=recording.end is not None,
    )


def rebuild(
    config: Mapping[str, Any], store: Any = "memory", *, folder: RunFolder | None = None
) -> gym.Env[Any, Any]:
    """Return the environment of a run.

    Args:
        config: config of the run, as `RunFolder.config` reads it.
        store: store of the environment.
        folder: the run's folder, where data that were in memory may be kept; None for nowhere.

    Raises:
        NASGymError: if a part of it was an object of the user's, which a config cannot hold, its id is not
            registered, or it names code that the user did not (see `nas_gym.trust`).
    """
    import nas_gym  # noqa: F401 - registers the ids

    try:
        env_id, options = config["env_id"], {**config["env"], "store": store}
        path = options["task"].get("path")
        here = path is None or Path(path).exists()
        if folder is not None and options["task"].get("name") == "arrays" and folder.task_file.is_file():
            options["task"] = load_task(folder.task_file)
        known = ":" in env_id or _searches(env_id)
    except gym.error.Error as error:
        raise StoreError(
            f"the environment of the run, {env_id}, is not registered here: use the version of nas-gym that "
            "recorded it, or import what registers it first"
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise StoreError(
            f"config.json of the run is damaged ({error!r}): run again to record it anew"
        ) from error
    if not here:
        raise StoreError(
            f"the data of the run, {path}, are not there any more: put the file back where it was"
        )
    if not known:
        raise StoreError(f"the environment of the run, {env_id}, searches no architectures: run again")
    try:
        with named_by("the run"):
            if ":" in env_id:  # which gym.make would import
                check_named("environment", env_id)
            return gym.make(env_id, **options)
    except UntrustedError:
        raise
    except Exception as error:
        what = str(error) if isinstance(error, NASGymError) else repr(error)
        raise StoreError(
            f"the environment of the run cannot be built from its config.json ({what}): pass env=..., "
            "the environment it was recorded in"
        ) from error


def _searches(env_id: str) -> bool:
    """Return whether an id that is registered is of an environment that searches architectures."""
    from nas_gym.envs import Problem

    creator = gym.spec(env_id).entry_point
    made = gym.envs.registration.load_env_creator(creator) if isinstance(creator, str) else creator
    return not isinstance(made, type) or issubclass(made, Problem)


def check_surroundings(folder: RunFolder, config: Mapping[str, Any], problem: Problem) -> None:
    """Check that an environment is what a run was made in, before numbers of both meet.

    Raises:
        NASGymError: if its data, its table or the user's own code have changed since.
    """
    here = as_json({"env": problem.config(), "fingerprints": fingerprints_of(problem)})
    check_unchanged(f"the run {folder.path}", config, here)


class _Replayer:
    """Executes lines in an environment; each gives the sentences of what differs."""

    def __init__(self, env: NASEnv, tolerance: float) -> None:
        self._env, self._tolerance = env, tolerance
        self._metric = env.task.target.metric.label
        self.steps = self.asks = 0
        self.largest = 0.0
        env.reset()

    def compare_actions(self, header: Header) -> str:
        actions = [str(action) for action in self._env.search_space.actions]
        if actions == header.actions:
            return ""
        return (
            f"the recording has {len(header.actions)} actions, the environment other {len(actions)}: "
            "they are of different search spaces or versions"
        )

    def step(self, line: Step) -> Iterator[str]:
        env = self._env
        self._enter(line)
        self.steps += 1
        where = f"episode {line.episode} step {line.t} ({line.edit})"
        mask = np.flatnonzero(env.action_masks()).tolist()
        if mask != line.mask:
            yield f"{where} has legal actions {mask}, recorded were {line.mask}"
        if line.generator is not None:
            env.np_random.bit_generator.state = line.generator
        _, reward, terminated, truncated, info = env.step(line.action)
        if info["architecture"] != line.next:
            yield f"{where} leads to {info['architecture']!r}, recorded was {line.next!r}"
        if (terminated, truncated) != (line.terminated, line.truncated):
            yield f"{where} ends the episode otherwise than recorded"
        if line.score is not None:
            yield from self._number(f"{where} has {self._metric}", info["score"], line.score)
        yield from self._number(f"{where} pays", recorded_reward(reward), line.reward, scale=env.reward.slope)
        if bool(info["error"]) != bool(line.error):
            yield f"{where} fails with {info['error']!r}, recorded was {line.error!r}"

    def ask(self, line: Ask) -> Iterator[str]:
        self.asks += 1
        where = f"evaluation {self.asks} of {line.architecture!r}"
        asked = [self._env.search_space.resolve(line.architecture)]
        drawn = line.seeds if self._env.evaluator.draws else None
        (evaluation,) = self._env.ledger.evaluate(asked, line.fidelity, drawn)
        yield from self._number(f"{where} has {self._metric}", evaluation.score, line.score)
        if evaluation.status != line.status:
            yield f"{where} is {evaluation.status}, recorded was {line.status}"
        if (evaluation.parameters, evaluation.flops) != (line.parameters, line.flops):
            yield f"{where} has {evaluation.parameters} parameters, recorded were {line.parameters}"

    def _enter(self, line: Step) -> None:
        """Put the environment where the line starts: at a start state, or where a user set it."""
        env = self._env
        if line.t == 0:
            env.reset(options={"architecture": line.architecture})
            return
        state = env.get_state()
        if (state["architecture"], state["steps"]) != (line.architecture, line.t):
            env.set_state(state | {"architecture": line.architecture, "steps": line.t})

    def _number(self, what: str, here: float, recorded: float, scale: float = 1.0) -> Iterator[str]:
        difference = abs(here - recorded)
        self.largest = max(self.largest, difference)
        if difference > self._tolerance * scale or math.isnan(difference):
            allowed = f" (more than {self._tolerance * scale:g} apart)" if self._tolerance else ""
            yield f"{what} {here!r}, recorded was {recorded!r}{allowed}"


def _tolerance(config: Mapping[str, Any], env: NASEnv) -> tuple[float, str]:
    recorded, here = config.get("numerics"), env.evaluator.numerics
    within = f"within {TOLERANCE} of the recorded {env.task.target.metric.label}"
    if recorded != here:
        return TOLERANCE, f"{within}, since the recording is of {recorded}, this of {here}"
    if here is not None and not here.startswith(SAFE_TO_COMPARE_EXACTLY):
        return TOLERANCE, f"{within}, since {here} does not repeat sums bit for bit"
    return 0.0, "exactly, on the numerics of the recording"
