"""What follows from the data and the time: space, agent, folds, recipe, finalists, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nas_gym.errors import ConfigError, NASGymError
from nas_gym.estimators.effort import Effort, effort_of
from nas_gym.tasks import Forecast, PairForm, Task, make_task

SMALL_DATA = 2000
"""Examples below which networks are judged by folds: a fifth of fewer is too few to tell networks apart."""
FOLDS = 5
FINALISTS = 8
MARGIN = 0.01
"""Score that a smaller network may lose where a small one is asked for."""
SEARCH_SHARE = 0.6
"""Share of the time that is for the search."""
FINALISTS_SHARE = 0.2
"""Share of the time that is for training the best networks again; the rest trains the choice and explains."""
FEW: Mapping[str, Any] = {
    "name": "conv",
    "operations": ["conv3", "conv5", "max_pool"],
    "activations": ["relu"],
}
CONVOLUTIONS: Sequence[Mapping[str, Any]] = (
    {"name": "conv"},
    {**FEW, "max_layers": 5, "channels": [16, 32]},
    {**FEW, "max_layers": 4, "channels": [8, 16]},
    {**FEW, "max_layers": 3, "channels": [4, 8]},
)
QUICK_FORECASTER: Mapping[str, Any] = {
    "name": "forecaster",
    "kinds": ["linear", "average", "perceptron", "generic", "trend", "season", "causal"],
}
"""Without recurrent blocks, which take over ten times as long as the others."""
PLAIN: Mapping[str, Any] = {"name": "tabular", "numbers": ["plain"], "shortcuts": ["chain"]}
QUICK_PERCEPTRON: Mapping[str, Any] = {
    **PLAIN,
    "max_layers": 1,
    "activations": ["identity", "relu"],
    "normalisations": ["no_norm", "batch_norm"],
    "dropouts": [0.0, 0.3],
}
PERCEPTRONS: Sequence[Mapping[str, Any]] = (
    {**PLAIN, "max_layers": 2, "activations": ["identity", "relu", "silu"]},
    QUICK_PERCEPTRON,
)
"""Perceptrons on the flattened example; those whose activation is the identity are linear models."""
SPACES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "features": ({"name": "tabular"},),
    "signal": CONVOLUTIONS,
    "image": CONVOLUTIONS,
    "graph": ({"name": "graph"}, {"name": "graph", "widths": [16], "max_layers": 2}),
    "series": ({"name": "forecaster"}, QUICK_FORECASTER, {**QUICK_FORECASTER, "max_layers": 2}),
    "tokens": ({"name": "recurrent"}, {"name": "recurrent", "max_layers": 1}),
    "pairs": ({"name": "seq2seq"}, {"name": "seq2seq", "widths": [16], "max_layers": 1}),
}
"""Search spaces for each kind of input, for series, and for pairs of sequences: the first preferred, smaller
ones for less time."""
BESIDE: Mapping[str, Sequence[Mapping[str, Any]]] = {"signal": PERCEPTRONS, "image": PERCEPTRONS}
"""Spaces that are searched, too, for inputs of which some are better answered from the whole example."""
BESIDE_SHARE = 0.2
"""Share of the time, and of the networks of a budget, that is for `BESIDE`."""
BESIDE_SEARCHING = 0.5
"""Share of that time that is for the search. Perceptrons are so quickly trained, and so alike, that what one
or two folds say of many of them is soon worth less than what all folds say of the best."""
BESIDE_FEWEST = 3
"""Networks of `BESIDE` at least; a budget below twice as many is for `SPACES` alone."""
PERCEPTRON = "perceptrons"
KINDS: Mapping[str, str] = {"conv": "convolutions", "tabular": PERCEPTRON}
"""What the networks of a space are called where another kind is searched, too."""
FIRST = 10
"""Networks that the agent begins with, at most; in little time a quarter of all."""
ENOUGH = 40
"""Trainings in the time of the search for which a space, or a longer recipe, is taken."""
ENOUGH_BESIDE = (ENOUGH, 6)
"""The same for each space of `PERCEPTRONS`, of which the second has 16 networks."""
FOLDS_FROM = {1: 0, 2: 100, FOLDS: 400}
"""Folds that each network of the search is judged by, from so many trainings in its time on; the finalists
are judged by all of them."""


@dataclass(frozen=True)
class Plan:
    """How data is searched.

    Attributes:
        search_space: config of the space.
        agent: name of the agent, or a dict with its hyperparameters.
        folds: parts that all but the test examples are cut into; 1 for a single split.
        finalists: networks that are trained again before one is chosen.
        margin: score that a smaller network may lose.
        minutes: limit of the search by the clock.
        reasons: why, a sentence each.
        finalist_seconds: time for training the finalists again.
        recipe: options of the recipe.
        seeds: training seeds of the search, of a task with folds one for each that it uses.
        ensemble: networks whose answers are averaged; 1 for a single one.
        budget: networks that the search may train at most; None for as many as the time allows.
        kind: what the networks of the space are called; "" where they are the only kind.
        before: plan of a shorter search of another kind of network, which is made before and whose best
            network is compared with that of this one; None for none.
    """

    search_space: Mapping[str, Any]
    agent: str | Mapping[str, Any]
    folds: int
    finalists: int
    margin: float
    minutes: float
    reasons: tuple[str, ...] = field(default=())
    finalist_seconds: float | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None
    ensemble: int = 1
    budget: int | None = None
    kind: str = ""
    before: Plan | None = None


def with_folds(
    task: Task, again: Callable[[int], Mapping[str, Any] | Task], *, chosen: bool = False
) -> tuple[Any, int, str]:
    """Return small data with folds, how many, and why there are none where it cannot have them.

    Args:
        task: the data, in a single split or with folds of its own.
        again: makes the task, or its spec, with a number of folds.
        chosen: whether the user passed the number of folds, which is then kept.

    Returns:
        The task or spec to search, its folds, and a reason; "" where there is nothing to explain.
    """
    if chosen or task.folds or len(task.known[1]) >= SMALL_DATA:
        return task, max(1, len(task.folds)), ""
    try:
        made = again(FOLDS)
        make_task(made)
    except NASGymError as error:  # the parts of folds have other sizes, which may lack a class
        return task, 1, f"no folds, since {error}"
    return made, FOLDS, ""


def plan_for(
    task: Task,
    minutes: float,
    *,
    folds: int = 1,
    small: bool = False,
    agent: str | None = None,
    ensemble: int = 1,
    recipe: Mapping[str, Any] | None = None,
    budget: int | None = None,
) -> Plan:
    """Return how a task is searched in a time.

    Args:
        task: the data.
        minutes: time for all of it, by the clock.
        folds: parts that it is judged by, 1 for a single split; see `with_folds`.
        small: whether a smaller network may score a little less.
        agent: name of the agent; None for that of `nas_agents.best_agent`.
        ensemble: networks whose answers are averaged.
        recipe: options of the recipe; None for one that follows from the data and the time.
        budget: networks that the search may train at most; None for as many as the time allows.

    Raises:
        NASGymError: for an ensemble that is not a whole number of at least 1, or is wanted small.
    """
    check_ensemble(ensemble)
    if small and ensemble > 1:
        raise ConfigError("an ensemble takes the best networks, not small ones: leave out ensemble or small")
    family, seconds = _family(task), 60 * SEARCH_SHARE * minutes
    has_both = family in BESIDE and (budget is None or budget >= 2 * BESIDE_FEWEST)
    share = 1 - BESIDE_SHARE if has_both else 1.0
    space, effort = _space(task, SPACES[family], share * seconds, recipe)
    expected = effort.trainings(share * seconds)
    used = _folds_used(folds, expected, budget)
    plan = Plan(
        space,
        agent or _agent(space["name"], budget, expected / used),
        folds,
        max(FINALISTS, ensemble),
        MARGIN if small else 0.0,
        share * SEARCH_SHARE * minutes,
        finalist_seconds=share * 60 * FINALISTS_SHARE * minutes,
        recipe=effort.recipe,
        seeds=tuple(range(used)) if folds > 1 else None,
        ensemble=ensemble,
        budget=budget,
    )
    if has_both:
        plan = _with_both(plan, task, recipe, agent, used)
    chosen = [] if agent else [_agent_words(plan, budget)]
    return replace(plan, reasons=(*_reasons(task, plan, used), *chosen))


def _reasons(task: Task, plan: Plan, used: int) -> tuple[str, ...]:
    """Return why a task is searched as planned, with so many folds."""
    known, left_out = len(task.known[1]), len(task.y_validation)
    judged = f"{left_out:,} validation examples" if plan.folds == 1 else f"{_of(used, plan.folds)} folds"
    return (
        f"{task.inputs}: {_searched(plan)}",
        f"{known:,} examples beside the test part: each network is judged by {judged}",
        f"up to {plan.finalists} of the best networks are trained again before one is chosen"
        + (f", the smallest that loses at most {100 * MARGIN:g} points" if plan.margin else ""),
        *([f"the answers of the {plan.ensemble} best are averaged"] if plan.ensemble > 1 else []),
    )


def _agent(space: str, budget: int | None, networks: float) -> Mapping[str, Any]:
    """Return the agent for a search of a space with a budget, of about so many networks in its time."""
    from nas_agents import best_agent

    name = best_agent(space, budget).name
    if name != "model-based":
        return {"name": name}
    return {"name": name, "first": min(FIRST, max(2, int(networks / 4)))}


def _agent_words(plan: Plan, budget: int | None) -> str:
    """Return which agent searches, and why; of two kinds of network that of the preferred one."""
    from nas_agents import best_agent

    found = best_agent(plan.search_space["name"], budget)
    return f"agent {found.name}" + (f" ({plan.kind})" if plan.kind else "") + f": {found.why}"


def _with_both(
    plan: Plan,
    task: Task,
    recipe: Mapping[str, Any] | None,
    agent: str | Mapping[str, Any] | None,
    used: int,
) -> Plan:
    """Return a plan after one that searches `BESIDE` in its share of the time and the budget.

    Both train with the same seeds, so that what they choose can be compared training by training.
    """
    seconds = 60 * plan.minutes + (plan.finalist_seconds or 0.0)
    seconds *= BESIDE_SHARE / (1 - BESIDE_SHARE)
    searching = BESIDE_SEARCHING * seconds
    space, effort = _space(task, BESIDE[_family(task)], searching, recipe, ENOUGH_BESIDE)
    budget = None if plan.budget is None else max(BESIDE_FEWEST, int(BESIDE_SHARE * plan.budget))
    before = replace(
        plan,
        search_space=space,
        agent=agent or _agent(space["name"], budget, effort.trainings(searching) / used),
        minutes=searching / 60,
        finalist_seconds=seconds - searching,
        recipe=effort.recipe,
        budget=budget,
        kind=KINDS[space["name"]],
    )
    left = None if plan.budget is None or budget is None else plan.budget - budget
    return replace(plan, budget=left, kind=KINDS[plan.search_space["name"]], before=before)


def _searched(plan: Plan) -> str:
    """Return in words what is searched."""
    first = plan.before
    if first is None:
        return f"the search space {plan.search_space['name']}"
    part = "in a fifth of the time" if first.budget is None else f"for {first.budget} networks of the budget"
    return (
        f"the search spaces {plan.search_space['name']} ({plan.kind}) and, {part}, "
        f"{first.search_space['name']} ({first.kind})"
    )


def _folds_used(folds: int, expected: float, budget: int | None) -> int:
    """Return how many folds each network of the search is judged by."""
    if budget is not None and budget * folds <= expected:
        return folds
    return max(count for count, least in FOLDS_FROM.items() if count <= folds and expected >= least)


def check_ensemble(ensemble: Any) -> None:
    """Check the number of networks of an ensemble.

    Raises:
        NASGymError: if it is not a whole number of at least 1.
    """
    if isinstance(ensemble, bool) or not isinstance(ensemble, int) or ensemble < 1:
        raise ConfigError(f"ensemble must be a whole number of at least 1, not {ensemble!r}")


def _family(task: Task) -> str:
    """Return which of `SPACES` are for a task."""
    if isinstance(task.target, Forecast):
        return "series"
    return "pairs" if isinstance(task.files, PairForm) else task.inputs


def _space(
    task: Task,
    spaces: Sequence[Mapping[str, Any]],
    seconds: float,
    recipe: Mapping[str, Any] | None,
    enough: Sequence[int] = (),
) -> tuple[Mapping[str, Any], Effort]:
    """Return the first space with a recipe of which enough networks are trained in a time."""
    efforts = [
        (space, effort_of(task, space, recipe, longer=longer), least)
        for longer in (True, False)
        for space, least in zip(spaces, enough or [ENOUGH] * len(spaces), strict=True)
    ]
    fitting = (one for one in efforts if one[1].trainings(seconds) >= one[2])
    return next(fitting, efforts[-1])[:2]


def _of(used: int, folds: int) -> str:
    return f"{folds}" if used == folds else f"{used} of {folds}"
