"""Recorded steps as a Minari data set: observations, masks, texts and scores, for offline learning.

A data set is always made of the lines of a trace, so that one that a `Trace` writes at the end of its run
and one that is made of the folder years later are the same. Nothing is trained: the steps are followed
through the search space, where each has to lead to what was recorded, and observations are looked up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from nas_gym._files import encodable
from nas_gym.errors import ConfigError, StoreError
from nas_gym.traces.file import read_trace
from nas_gym.traces.lines import Recording, Step
from nas_gym.traces.minari_folder import EXAMPLE, check_minari, minari, written_beside
from nas_gym.traces.replaying import check_surroundings, rebuild
from nas_gym.traces.run_folder import RunFolder, differences, versions

if TYPE_CHECKING:
    from nas_gym.envs import NASEnv

# What a data set may be told to say of itself, beside its id.
ABOUT = ("author", "author_email", "code_permalink", "description")


def to_minari(
    run_folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    id: str,  # noqa: A002 - what Minari calls it
    env: gym.Env[Any, Any] | None = None,
    *,
    author: str | None = None,
    author_email: str | None = None,
    code_permalink: str | None = None,
    description: str | None = None,
) -> Any:
    """Write the steps of recorded runs as a Minari data set, in HDF5.

    An episode has the observations that the environment gave (one more than steps), actions, rewards,
    terminations and truncations; ``infos``, at reset and after each step, has ``action_mask``, int8
    (steps + 1, actions), the texts ``architecture``, ``edit`` and ``error`` (bytes in UTF-8, as HDF5 gives
    them back), ``score``, ``best_score`` and ``illegal_action``; where the agent had a policy over edits also
    ``policy_scores``, float64 (steps + 1, actions), the policy's probabilities or Q-values before the
    next step, NaN for illegal edits and after the last step. Its ``options`` start the same episode:
    ``env.reset(options=options)``. Where a run ended within an episode, or was set elsewhere, the last
    step is a truncation, as Minari has it. ``recover_environment()`` makes the environment again, with the
    usual store. What each run was stands in the metadata under ``"nas_gym"``.

    ```python
    dataset = to_minari("tensorboard_logs/mine", "nas-gym/mlp-mnist1d/mine-v0", author="me")
    ```

    Args:
        run_folders: folder of a run with a trace, or several, all of one environment.
        id: id of the data set, ``(namespace/)name-v0``, written into ``MINARI_DATASETS_PATH`` or Minari's
            usual folder.
        env: the environment of the runs; None builds it from the config of the first.
        author: name of who made it.
        author_email: address of who made it.
        code_permalink: link to the code that made it.
        description: what it is; None for a sentence made of the runs.

    Returns:
        The `minari.MinariDataset`.

    Raises:
        NASGymError: if Minari is not installed, the id does not fit or is taken, the runs are of different
            environments or have no steps, their data or code have changed since, or the environment has
            observations or rewards that Minari cannot hold.
    """
    check_minari(id)
    paths = [run_folders] if isinstance(run_folders, str | os.PathLike) else list(run_folders)
    if not paths:
        raise ConfigError("no run folder is named: pass the folder of a recorded run")
    folders = [RunFolder(path) for path in paths]
    configs, recordings = [folder.config() for folder in folders], []
    _check_alike(folders, configs)
    for folder in folders:
        recordings.append(read_trace(folder.trace_file))
        if not recordings[-1].steps:
            raise ConfigError(
                f"the run {folder.path} has no steps, since its agent {recordings[-1].header.agent} asks for "
                "architectures: record an agent that walks, such as random-walk or q-learning"
            )
    built = rebuild(configs[0], folder=folders[0]) if env is None else None
    nas: Any = (env if built is None else built).unwrapped  # type: ignore[union-attr]
    try:
        if built is not None:
            for folder, config in zip(folders, configs, strict=True):
                check_surroundings(folder, config, nas)
        check_recordable(nas)
        buffers, of_runs = _buffers(nas, folders, recordings)
    finally:
        if built is not None:
            built.close()
    runs = [_about_run(config, one) for config, one in zip(configs, recordings, strict=True)]
    agents = ", ".join(dict.fromkeys(one.header.agent for one in recordings))
    told = {"author": author, "author_email": author_email, "code_permalink": code_permalink}
    said = description or _description(agents, configs[0], recordings)
    about = told | {"description": said, "algorithm_name": agents}
    with written_beside(id):
        made = minari().create_dataset_from_buffers(
            id,
            buffers,
            env=_described(nas, configs[0]),
            requirements=[f"nas-gym>={versions()['nas-gym']}"] if "nas-gym" in versions() else None,
            data_format="hdf5",
            **{name: encodable(value) for name, value in about.items() if value is not None},
        )
        made.storage.update_episode_metadata([_about_episode(runs, run) for run in of_runs])
        made.storage.update_metadata({"nas_gym": {"runs": runs}})
    return minari().load_dataset(id)


def check_recordable(nas: Any) -> None:
    """Check that Minari can hold what an environment observes and pays.

    Args:
        nas: the environment, unwrapped.

    Raises:
        NASGymError: for observations as graphs, and rewards of several objectives.
    """
    space = nas.observation_space
    parts = space.spaces.values() if isinstance(space, spaces.Dict) else [space]
    if any(isinstance(part, spaces.Graph) for part in parts):
        raise ConfigError("Minari holds no graphs: record with another observation, such as 'dict'")
    if nas.objectives is not None:
        raise ConfigError(
            "Minari holds one reward a step, and this environment pays several objectives: record NAS-v0 "
            "with a reward of them"
        )


def minari_options(given: str | Mapping[str, str] | None) -> dict[str, str]:
    """Return what `to_minari` is to be told of a data set, of its id or a dict with ``"id"``; {} for None.

    Raises:
        NASGymError: for another key than those of `ABOUT`, or as `check_minari`.
    """
    if given is None:
        return {}
    options = {"id": given} if isinstance(given, str) else dict(given)
    strange = [name for name in options if name not in ("id", *ABOUT)]
    if strange or "id" not in options:
        raise ConfigError(
            f"minari must be an id like {EXAMPLE!r}, or a dict of it as 'id' and of "
            f"{', '.join(ABOUT)}, not {given!r}"
        )
    check_minari(options["id"])
    return options


def _check_alike(folders: Sequence[RunFolder], configs: Sequence[Mapping[str, Any]]) -> None:
    """Check that runs are of one environment."""
    environments = [{"env_id": config.get("env_id"), "env": config["env"]} for config in configs]
    for folder, environment in zip(folders, environments, strict=True):
        if found := differences(environments[0], environment):
            raise ConfigError(
                f"the run {folder.path} is of another environment than {folders[0].path} ({found[0]}): make "
                "a data set of each"
            )


def _buffers(
    nas: NASEnv, folders: Sequence[RunFolder], recordings: Sequence[Recording]
) -> tuple[list[Any], list[int]]:
    """Return the episodes as Minari's buffers, and of which run each is."""
    follower = _Follower(nas)
    buffers, of_runs = list[Any](), list[int]()
    for run, (folder, recording) in enumerate(zip(folders, recordings, strict=True)):
        follower.check_actions(folder, recording)
        for steps in _episodes(recording.steps):
            buffers.append(follower.buffer(folder, steps))
            of_runs.append(run)
    return buffers, of_runs


def _episodes(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Yield the steps of each episode; where a user set the state in its middle, another begins."""
    episode: list[Step] = []
    for step in steps:
        if episode:
            last = episode[-1]
            goes_on = (step.episode, step.t, step.architecture) == (last.episode, last.t + 1, last.next)
            if not goes_on:
                yield episode
                episode = []
        episode.append(step)
    if episode:
        yield episode


class _Follower:
    """Follows recorded steps through the search space of an environment."""

    def __init__(self, nas: NASEnv) -> None:
        from nas_gym.envs import make_observer

        self._space, self._graph, self._horizon = nas.search_space, nas.search_space.edit_graph, nas.horizon
        countdown = nas.horizon if nas.reward.episodic else None
        self._observer: Any = make_observer(nas.observation, nas.search_space, countdown)
        self._buffer = minari().data_collector.EpisodeBuffer
        self._numbers: dict[str, int] = {}

    def check_actions(self, folder: RunFolder, recording: Recording) -> None:
        """Check that the actions have their meaning still."""
        if recording.header.actions != [str(action) for action in self._space.actions]:
            raise StoreError(
                f"the actions of the run {folder.path} are others than those of its environment here: use "
                "the version of nas-gym that recorded it"
            )

    def buffer(self, folder: RunFolder, steps: Sequence[Step]) -> Any:
        """Return an episode as Minari's buffer."""
        numbers = self._follow(folder, steps)
        left = self._horizon - steps[0].t - np.arange(len(numbers))
        truncations = [step.truncated for step in steps]
        truncations[-1] |= not steps[-1].terminated
        return self._buffer(
            options={"architecture": encodable(steps[0].architecture)},
            observations=self._observer.many(numbers, left),
            actions=np.array([step.action for step in steps], dtype=np.int64),
            rewards=np.array([step.reward for step in steps]),
            terminations=np.array([step.terminated for step in steps]),
            truncations=np.array(truncations),
            infos=self._infos(numbers, steps),
        )

    def _follow(self, folder: RunFolder, steps: Sequence[Step]) -> np.ndarray:
        """Return the numbers of the states of an episode, int64 (steps + 1,)."""
        numbers = [self._number(steps[0].architecture)]
        for step in steps:
            mask = np.flatnonzero(self._graph.masks[numbers[-1]]).tolist()
            after, legal = self._graph.follow(numbers[-1], step.action)
            found = (mask, self._graph.texts[after], not legal)
            if found != (step.mask, step.next, step.illegal_action):
                raise StoreError(
                    f"step {step.t} of episode {step.episode} of the run {folder.path} leads from "
                    f"{step.architecture!r} to {step.next!r}, and here to {str(found[1])!r} or by other "
                    "legal actions: use the version of nas-gym and of your own code that recorded it"
                )
            numbers.append(after)
        return np.array(numbers)

    def _number(self, architecture: str) -> int:
        known = self._numbers.get(architecture)
        if known is None:
            known = self._numbers[architecture] = self._graph.number(self._space.parse(architecture))
        return known

    def _infos(self, numbers: np.ndarray, steps: Sequence[Step]) -> dict[str, Any]:
        words = self._graph.words
        scores = np.array([0.0, *(0.0 if step.score is None else step.score for step in steps)])
        infos: dict[str, Any] = {
            "action_mask": self._graph.masks[numbers],
            "architecture": [str(self._graph.texts[number]) for number in numbers.tolist()],
            "edit": [str(words[0]), *(step.edit for step in steps)],
            "score": scores,
            "best_score": np.maximum.accumulate(scores),
            "illegal_action": np.array([False, *(step.illegal_action for step in steps)]),
            "error": ["", *(encodable(step.error) for step in steps)],
        }
        if any(step.scores is not None for step in steps):
            infos["policy_scores"] = _policy_scores(steps, len(words))
        return infos


def _policy_scores(steps: Sequence[Step], actions: int) -> np.ndarray:
    """Return the policy's scores before each step and after the last, float64 (steps + 1, actions)."""
    scores = np.full((len(steps) + 1, actions), np.nan)
    for row, step in enumerate(steps):
        if step.scores is not None:
            scores[row, step.mask] = [np.nan if score is None else score for score in step.scores]
    return scores


def _described(nas: NASEnv, config: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """Return an environment of which Minari takes no more than the spec and the spaces.

    The spec is that of the run's config, so that it holds neither objects nor the place of a store.
    """
    described: gym.Env[Any, Any] = gym.Env()
    spec = deepcopy(gym.spec(config["env_id"]))
    spec.kwargs |= deepcopy(config["env"])
    described.spec = spec
    described.observation_space, described.action_space = nas.observation_space, nas.action_space
    return described


def _about_run(config: Mapping[str, Any], recording: Recording) -> dict[str, Any]:
    return {
        "agent": recording.header.agent,
        "config": config["config"],
        "budget": recording.header.budget,
        "policy_scores": recording.header.scores,
        "steps": len(recording.steps),
        "ended": recording.end is not None,
        "numerics": config.get("numerics"),
        "versions": config.get("versions"),
        "fingerprints": config.get("fingerprints"),
    }


def _about_episode(runs: Sequence[Mapping[str, Any]], run: int) -> dict[str, Any]:
    """Return the attributes of an episode: of which run it is, its agent, and the agent's seed if known."""
    about = {"run": run, "agent": encodable(runs[run]["agent"])}
    seed = runs[run]["config"].get("seed")
    return about | ({"agent_seed": seed} if isinstance(seed, int) else {})


def _description(agents: str, config: Mapping[str, Any], recordings: Sequence[Recording]) -> str:
    steps, env = sum(len(one.steps) for one in recordings), config["env"]
    parts = [env[part].get("name") for part in ("search_space", "task") if part in env]
    runs = "1 run" if len(recordings) == 1 else f"{len(recordings)} runs"
    return (
        f"{steps:,} steps of {agents} in {runs} of {config['env_id']}, a search for network architectures "
        f"({', '.join(map(str, parts))}); an action edits the network, infos['action_mask'] has legal edits."
    )
