"""One run: a search from one seed, and the honest score of the network it chose."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym

from nas_agents.registry import make_agent
from nas_agents.runs.finalists import finalists
from nas_agents.runs.progress import Progress, reported
from nas_agents.runs.scoring import score
from nas_gym.common import plain, write_text
from nas_gym.errors import ConfigError, NASGymError, unknown

if TYPE_CHECKING:
    from nas_agents.result import Result
    from nas_gym.envs import Budget
    from nas_gym.traces import RunFolder, Trace

EnvFactory = Callable[..., gym.Env[Any, Any]]
"""A function that takes the keyword arguments of an environment and returns a new one."""


@dataclass(frozen=True)
class RunSpec:
    """What one run is; JSON-able where the environment has an id.

    Attributes:
        agent: name of an agent, or a dict with ``"name"`` and hyperparameters.
        budget: evaluations by the full recipe, ``{"seconds": s}`` of recorded cost, ``{"minutes": m}`` by the
            clock, or a dict of several limits, the first of which to be reached ends the run.
        folder: where it is recorded.
        seed: the agent's seed.
        env_id: id of the environment, or a function that makes one.
        env: keyword arguments of the environment.
        trace: whether every decision is recorded, or only the result is kept.
        tensorboard: whether a run that is recorded is shown in TensorBoard.
        start: path of what the search starts from, of an agent that carries such (see `Agent.search`); None
            for the agent's default.
        surroundings: the fingerprints of data and code that the run has to find, as those of the runs
            it is compared with; None for whatever is there.
        finalists: how many of the best networks are trained again with further seeds before one of them is
            chosen (see `nas_agents.runs.finalists`); 1 takes the best as the search saw it.
        margin: score that a smaller finalist may lose to the best one.
        finalist_seconds: time for training finalists again, of which there are fewer then; None for as long
            as it takes.
    """

    agent: str | Mapping[str, Any]
    budget: Budget
    folder: str
    seed: int = 0
    env_id: str | EnvFactory = "NAS-v0"
    env: Mapping[str, Any] = field(default_factory=dict)
    trace: bool = True
    surroundings: Mapping[str, Any] | None = None
    finalists: int = 1
    margin: float = 0.0
    finalist_seconds: float | None = None
    tensorboard: bool = True
    start: str | None = None

    def __post_init__(self) -> None:
        for name in ("budget", "seed", "agent"):
            object.__setattr__(self, name, plain(getattr(self, name)))


def run(
    spec: RunSpec, on_progress: Callable[[Progress], None] | None = None, *, keep_network: bool = False
) -> dict[str, Any]:
    """Search, score the chosen network by seeds that the search did not see, and write `result.json`.

    A finished run of the same folder and config is not repeated; an unfinished one starts from its
    beginning, which a store makes cheap, and goes on from where it was if it is on shared weights.

    Args:
        spec: the run.
        on_progress: called a few times a second, from another thread.
        keep_network: train the chosen network once more and save it as `best.pt`.

    Returns:
        The contents of `result.json`: those of a `Result`, whose ``"score"`` is optimistic; what its
        network scores (see `nas_agents.runs.scoring.score`); ``"metric"`` and ``"metric_label"``, what a
        score is for programs and for readers; and ``"label"``, ``"access"``, ``"classes"``, ``"versions"``.

    Raises:
        NASGymError: for a spec that does not fit, or a folder that holds a run of another config.
    """
    env = make_env(spec.env_id, spec.env)
    try:
        if spec.finalists > 1 and not env.unwrapped.evaluator.trains:  # type: ignore[attr-defined]
            raise ConfigError(
                "finalists are trained again, and this environment trains nothing: leave them out"
            )
        folder = folder_of(spec, env)
        if not folder.is_finished:
            return _search(spec, env, folder, on_progress, keep_network=keep_network)
        result = folder.result()
        if keep_network and not folder.best_file.exists():
            _keep_network(folder, env, result)
        return result
    finally:
        env.close()


def make_env(env_id: str | EnvFactory, options: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """Make the environment of an id, or the one that a function makes.

    Raises:
        NASGymError: if the id is unknown, the environment searches no architectures, or an option
            does not fit.
    """
    import nas_gym  # noqa: F401 - registers the ids
    from nas_gym.envs import IDS, Problem

    if not isinstance(env_id, str):
        if not callable(env_id):
            raise ConfigError(
                f"an environment is an id like 'NAS-v0' or a function that makes one, not {env_id!r}"
            )
        env = env_id(**options)
        if not isinstance(env, gym.Env) or not isinstance(env.unwrapped, Problem):
            if isinstance(env, gym.Env):
                env.close()
            raise ConfigError(
                f"the function that makes the environment returned {type(env).__name__}, which searches no "
                "architectures: return gym.make('NAS-v0', ...), wrapped or not"
            )
        return env
    try:
        creator = gym.spec(env_id).entry_point
    except gym.error.Error as error:
        raise unknown("environment", env_id, IDS) from error
    made = gym.envs.registration.load_env_creator(creator) if isinstance(creator, str) else creator
    if isinstance(made, type) and not issubclass(made, Problem):
        raise ConfigError(f"environment {env_id!r} searches no architectures: pass {', '.join(IDS)}")
    return gym.make(env_id, **options)


def run_options(spec: RunSpec) -> dict[str, Any]:
    """Return what tells a run from the others of its environment and agent, as `config.json` has it."""
    budget = spec.budget if isinstance(spec.budget, int) else dict(spec.budget)
    hyperparameters = make_agent(spec.agent).hyperparameters()
    options = {"budget": budget, "seed": spec.seed, "hyperparameters": hyperparameters}
    again = {"finalists": spec.finalists, "margin": spec.margin} if spec.finalists > 1 else {}
    limit = {} if spec.finalist_seconds is None else {"finalist_seconds": spec.finalist_seconds}
    start = {} if spec.start is None else {"start": spec.start}
    return options | again | limit | start


def folder_of(spec: RunSpec, env: gym.Env[Any, Any]) -> RunFolder:
    """Return the folder of a run in its environment.

    Raises:
        NASGymError: if it holds a run of another config.
    """
    from nas_gym.traces import RunFolder, check_unchanged, run_config

    folder = RunFolder(spec.folder)
    agent = make_agent(spec.agent)
    config = run_config(env, agent.name, run_options(spec), agent)
    if spec.surroundings is not None:
        begun = {**config, "fingerprints": spec.surroundings}
        check_unchanged("what the run is compared with", begun, config, searching=True)
    folder.check(config)
    return folder


def experiment_folder(logdir: str | Path, env: gym.Env[Any, Any], name: str | None = None) -> Path:
    """Return where the runs in an environment are; `name` is that of a variant."""
    unwrapped: Any = env.unwrapped
    return Path(logdir) / experiment_name(
        environment_name(env), unwrapped.search_space.name, unwrapped.task.name, name
    )


def environment_name(env: gym.Env[Any, Any]) -> str:
    """Return the id of an environment; "NAS-v0" where it was made without one."""
    return "NAS-v0" if env.spec is None else env.spec.id


def experiment_name(env_id: str, space: str, task: str, name: str | None) -> str:
    """Return ``<env id>-<space>-<task>``, with ``-<name>`` for a variant, fit for the name of a folder."""
    return slug("-".join([env_id, space, task, *([name] if name else [])]))


def label(agent: str | Mapping[str, Any]) -> str:
    """Return an agent's name with the hyperparameters that were set: ``q-learning-alpha=0.2``."""
    if isinstance(agent, str):
        return slug(agent)
    options = [f"{name}={value}" for name, value in agent.items() if name != "name"]
    return slug("-".join([str(agent.get("name")), *options]))


def slug(text: str) -> str:
    """Return a text fit for the name of a folder."""
    return re.sub(r"[^\w.=-]+", "-", text).strip("-")


def _search(
    spec: RunSpec,
    env: gym.Env[Any, Any],
    folder: RunFolder,
    on_progress: Callable[[Progress], None] | None,
    *,
    keep_network: bool,
) -> dict[str, Any]:
    from nas_gym.traces import Trace, run_config

    agent = make_agent(spec.agent)
    if not spec.trace:
        config = run_config(env, agent.name, run_options(spec), agent)
        with (
            _removed_if_never_begun(folder, env),
            folder.kept_for(config),
            reported(env, on_progress) as search_is_over,
        ):
            found = agent.search(env, spec.budget, spec.seed, start=spec.start)
            search_is_over()
            result = _outcome(spec, env, agent.access, found)
            _keep(folder, env, config, result, keep_network=keep_network)
        return result
    traced = Trace(
        env,
        folder.path,
        agent=agent.name,
        config=run_options(spec),
        searcher=agent,
        tensorboard=spec.tensorboard,
    )
    try:
        with _removed_if_never_begun(folder, env, traced), reported(env, on_progress) as search_is_over:
            found = agent.search(traced, spec.budget, spec.seed, start=spec.start)
            search_is_over()
            result = _outcome(spec, env, agent.access, found)
            if keep_network:
                _keep_network(folder, env, result)
            # Last of all, since the presence of result.json says that the run is finished.
            traced.finish(result)
    finally:
        traced.close()
    return result


def _keep(
    folder: RunFolder,
    env: gym.Env[Any, Any],
    config: Mapping[str, Any],
    result: Mapping[str, Any],
    *,
    keep_network: bool,
) -> None:
    """Keep the result of a run that recorded nothing, in place of an unfinished run that did."""
    folder.prepare(config)
    folder.wipe()
    folder.trace_file.unlink(missing_ok=True)
    if keep_network:
        _keep_network(folder, env, result)
    # On one line, since hundreds of runs are written and read.
    write_text(folder.result_file, json.dumps(result) + "\n")


def _outcome(spec: RunSpec, env: gym.Env[Any, Any], access: str, found: Result) -> dict[str, Any]:
    """Return what `result.json` holds: a result with the score of its network, measured after the search."""
    from nas_gym.traces import RESULT_FORMAT, versions

    unwrapped: Any = env.unwrapped
    target = unwrapped.task.target
    again = (
        finalists(unwrapped, found, spec.finalists, spec.margin, spec.finalist_seconds)
        if spec.finalists > 1
        else []
    )
    if again:
        seen = {one.architecture: one.score for one in found.evaluations if one.fidelity is None}
        chosen = again[0].architecture
        found = replace(found, architecture=chosen, score=seen[chosen])
    return {
        "format": RESULT_FORMAT,
        "metric": target.metric.name,
        "metric_label": target.metric.label,
        "label": label(spec.agent),
        **found.as_dict(),
        "access": access,
        "score_is": "the highest that the search saw, and optimistic since it was selected on",
        **score(unwrapped, found),
        "classes": target.outputs if target.kind == "classes" else None,
        "versions": versions(),
        **({"finalists": [one.as_dict() for one in again]} if again else {}),
    }


def _keep_network(folder: RunFolder, env: gym.Env[Any, Any], result: Mapping[str, Any]) -> None:
    """Save the chosen network, trained with the first of the fresh seeds, if the evaluator trains.

    A network whose training fails with that seed has no weights worth keeping.
    """
    from nas_gym.deploy import save_network

    unwrapped: Any = env.unwrapped
    if unwrapped.evaluator.trains and not result["final"][0]["error"]:
        architecture = unwrapped.search_space.parse(result["architecture"])
        seed = result["final"][0]["seed"]
        module, _ = unwrapped.evaluator.fit(architecture, seed)
        about = {
            "seed": seed,
            "evaluator": unwrapped.evaluator.config(),
            "metric": unwrapped.task.target.metric.name,
            "test_score": result["final"][0]["test_score"],
            "on_new_examples": result.get("on_new_examples"),
        }
        save_network(folder.best_file, unwrapped.search_space, unwrapped.task, architecture, module, about)


@contextmanager
def _removed_if_never_begun(
    folder: RunFolder, env: gym.Env[Any, Any], traced: Trace | None = None
) -> Iterator[None]:
    """Remove the folders that a search made which was refused before its first evaluation.

    What is in them is removed only if the trace had begun: another process may have begun meanwhile.
    """
    made = [path for path in (folder.path, *folder.path.parents) if not path.exists()]
    try:
        yield
    except NASGymError:
        if made and not env.unwrapped.ledger.history:  # type: ignore[attr-defined]
            if traced is not None and traced.begun:
                shutil.rmtree(folder.path, ignore_errors=True)
            for path in made:
                with suppress(OSError):
                    path.rmdir()
        raise
