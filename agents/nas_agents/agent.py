"""What an agent is: one search of one environment within a budget, from one seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import gymnasium as gym
import numpy as np

from nas_agents.result import Hyperparameter, Result, note_of
from nas_gym.common import number, plain, whole
from nas_gym.envs import Budget, BudgetExhausted
from nas_gym.errors import ConfigError, unknown

if TYPE_CHECKING:
    from nas_gym.envs import Objectives
    from nas_gym.evaluators import Evaluation
    from nas_gym.search_spaces import Architecture, SearchSpace
    from nas_gym.tables import Table
    from nas_gym.tasks import Task
    from nas_gym.traces import Policy

Environment = gym.Env[Any, Any]
ACCESS = ("walk", "query", "gradient")
UnderObjectives = Literal["front", "first", "none", "refused"]
UNDER_OBJECTIVES = get_args(UnderObjectives)


class SearchOver(Exception):  # noqa: N818 - an agent ends a search with it, nothing went wrong
    """The end of a search from within, with its reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(kw_only=True)
class Agent(ABC):
    """A search strategy; its dataclass fields are its hyperparameters.

    An agent keeps nothing from one search to the next, except what `search` is told to start from.

    Attributes:
        name: the name in `nas_agents.AGENTS`.
        access: ``"walk"`` (only steps, in episodes that begin where the environment begins them) or
            ``"query"`` (any architecture at will), or ``"gradient"`` (weights that architectures share are
            trained on the task itself, and only what they choose is evaluated). A search holds a walk to
            it: whatever else would evaluate an architecture raises.
        carries: whether a search may start from what was learned before it, see `search`.
        under_objectives: what it does where the reward is a vector of several objectives: ``"front"`` (it
            searches for their front), ``"first"`` (it goes by the first of them alone, as whoever asks for
            `Session.worth` does), ``"none"`` (it goes by none) or ``"refused"`` (a search of it raises).
    """

    name: ClassVar[str]
    carries: ClassVar[bool] = False
    access: ClassVar[Literal["walk", "query", "gradient"]]
    under_objectives: ClassVar[UnderObjectives] = "first"
    tuned_on: ClassVar[tuple[str, ...]] = ()  # names of tables that its hyperparameters were chosen on

    @abstractmethod
    def run(self, session: Session) -> None:
        """Search until the session stops it by raising; returning ends the search too."""

    def search(self, env: Environment, budget: Budget, seed: int = 0, *, start: Any = None) -> Result:
        """Search `env` within `budget`; the same seed gives the same result, bit for bit on the CPU.

        A search that the clock ended cannot be repeated exactly, and its result says so.

        Args:
            env: made by ``gym.make("NAS-v0", ...)``, wrapped in a `nas_gym.traces.Trace` or not.
            budget: distinct evaluations, of which a shorter training counts its share of the epochs
                (see `nas_gym.envs.Ledger`), ``{"seconds": s}`` of recorded cost, ``{"minutes": m}`` by the
                clock, or several of ``"evaluations"``, ``"seconds"`` and ``"minutes"``, the first of which
                to be reached ends the search.
            seed: seed of everything that the agent draws, and of the start states.
            start: what was learned before and the search starts from, of an agent that `carries` such: a
                path, or an object that the agent names; None for its default. The result says what it was.

        Raises:
            NASGymError: if the budget or the seed is out of range, does not pay for one evaluation,
                a hyperparameter does not fit the environment, the agent carries nothing that it could start
                from, or does not keep to its `access`.
        """
        if start is not None and not self.carries:
            raise ConfigError(
                f"the agent {self.name!r} carries nothing from one search to the next: leave start out"
            )
        seed, budget = whole_number("seed", seed, at_least=0), plain(budget)
        access = getattr(self, "access", None)
        if access not in ACCESS:
            raise unknown(f"access of the agent {self.name!r}", access, ACCESS)
        env.unwrapped.start_run(budget)  # type: ignore[attr-defined]
        session = Session(env, seed, start)
        # Start states and drawn seeds belong to the run; agents that step reset again.
        env.unwrapped.reset(seed=session.env_seed)
        held = session.unwrapped.walking(self.name) if access == "walk" else nullcontext()
        try:
            with held:
                self.run(session)
        except (BudgetExhausted, SearchOver) as over:
            return session.result(self, budget, over.reason)
        return session.result(self, budget, "space exhausted" if session.is_exhausted() else "agent returned")

    def learn(self, runs: Sequence[Path], out: Path) -> None:
        """Learn from finished runs of other problems, and write what a search may `start` from.

        Args:
            runs: folders of finished runs.
            out: file that is written.

        Raises:
            NASGymError: if the agent carries nothing, or the runs have too little to learn from.
        """
        raise ConfigError(f"the agent {self.name!r} carries nothing from one search to the next")

    def __setattr__(self, name: str, value: Any) -> None:
        # A number of NumPy would compute in its own precision, and JSON cannot hold it.
        field = self.__dataclass_fields__.get(name)
        super().__setattr__(name, plain(value) if field is not None and field.init else value)

    def hyperparameters(self) -> dict[str, Hyperparameter]:
        """Return the hyperparameters by name, JSON-able, without those that are None."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        return {name: value for name, value in values.items() if value is not None}


class NoEvaluationError(ConfigError):
    """A budget that ended before the first evaluation was made."""


@dataclass
class Session:
    """One search under way: the environment, the draws, the record.

    Attributes:
        env: the environment, with its wrappers.
        seed: seed of the search.
        start: what the search was told to start from; None for the agent's default.
        started_from: what it started from in words, with a hash of it; "" for nothing.
        rng: the one source of the agent's own draws.
        policy: scores of the edits in any state, if the agent has such a policy.
        follows_clock: whether the agent asked how much of its time is over, where that is its only limit.
    """

    env: Environment
    seed: int
    start: Any = None
    started_from: str = field(default="", init=False)
    rng: np.random.Generator = field(init=False)
    policy: Policy | None = field(default=None, init=False)
    follows_clock: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        from nas_gym.traces import trace_of

        self.rng = np.random.default_rng(self.seed)
        self.trace = trace_of(self.env)
        # Taken before a walk begins, in which the table is out of reach; the data is not what it hides.
        self.recorded_data = partial(_recorded_data, self.unwrapped.evaluator.table)

    @property
    def env_seed(self) -> int:
        """The seed of the environment's own draws, which a search has seeded with it already.

        It gives another stream than `rng`: an environment seeded with `seed` would draw its start
        states by the very bits that `rng` draws the agent's choices by.
        """
        return int(np.random.SeedSequence([self.seed, 1]).generate_state(1)[0])

    @property
    def unwrapped(self) -> Any:
        """The environment without wrappers."""
        return self.env.unwrapped

    @property
    def search_space(self) -> SearchSpace[Any]:
        """The architectures and their edits."""
        space: SearchSpace[Any] = self.unwrapped.search_space
        return space

    def watch(self, policy: Policy) -> None:
        """Record the scores of a policy from now on and hand it out with the result."""
        self.policy = policy
        self.trace.watch(policy)

    def fidelities(self) -> tuple[int, ...]:
        """Return the numbers of epochs to choose from, ascending; () where nothing can be chosen."""
        fidelities: tuple[int, ...] = self.unwrapped.evaluator.fidelities()
        return fidelities

    def ask(self, architectures: Sequence[Architecture], fidelity: int | None = None) -> list[Evaluation]:
        """Evaluate architectures, one evaluation each, in order; a repeat costs nothing.

        Args:
            architectures: architectures of the search space.
            fidelity: epochs, one of `fidelities`; None, like the last of them, for the full recipe.

        Raises:
            BudgetExhausted: when the budget or the bound on steps ends within the batch.
            SearchOver: when every architecture of the space is evaluated by the full recipe.
        """
        ledger, evaluations = self.unwrapped.ledger, list[Any]()
        # The full recipe by its number is the same request as without one, and is paid once.
        full = fidelity is None or fidelity == self.fidelities()[-1]
        while waiting := architectures[len(evaluations) :]:
            # A batch that is longer than the steps left is refused whole, so it is asked in parts.
            room = max(1, ledger.max_steps - ledger.stats.steps)
            evaluations += self.trace.evaluate(list(waiting[:room]), None if full else fidelity)
            if self.is_exhausted():
                raise SearchOver("space exhausted")
        return evaluations

    def worth(self, evaluation: Evaluation) -> float:
        """Return what to search for, higher is better: the score, or what a reward on evaluations says.

        So an agent that asks for architectures follows the same objective as one that is paid for steps.
        """
        found: float = self.unwrapped.ledger.worth(evaluation)
        return found

    @property
    def objectives(self) -> Objectives | None:
        """The objectives of an environment of several, `NASMultiObjective-v0`; None of others."""
        found: Objectives | None = self.unwrapped.objectives
        return found

    def gains(self, evaluations: Sequence[Evaluation]) -> np.ndarray:
        """Return what to search for by objective, float64 (evaluations, objectives), higher is better.

        Of an environment of one reward it is one column, what networks are worth.
        """
        if self.objectives is None:
            return np.array([[self.worth(evaluation)] for evaluation in evaluations]).reshape(-1, 1)
        return self.objectives.gains(evaluations)

    def is_exhausted(self) -> bool:
        """Return whether every architecture of the space is evaluated by the full recipe."""
        ledger, size = self.unwrapped.ledger, self.search_space.size
        if ledger.stats.unique < size:
            return False
        return len({each.architecture for each in ledger.history if each.fidelity is None}) >= size

    def progress(self) -> float:
        """Return the part of the budget that is spent, in [0, 1]: of evaluations or seconds, or of steps.

        The clock counts only where there is no other limit.
        """
        ledger = self.unwrapped.ledger
        self.follows_clock |= ledger.limits.by_clock_alone
        return float(min(1.0, max(ledger.progress, ledger.stats.steps / ledger.max_steps)))

    def result(self, agent: Agent, budget: Budget, stopped: str) -> Result:
        """Return the outcome of the search so far."""
        ledger = self.unwrapped.ledger
        if not ledger.history:
            if stopped == "agent returned":
                raise ConfigError(
                    f"the agent {agent.name!r} returned without an evaluation: step or ask in its run()"
                )
            raise NoEvaluationError(
                f"the budget {budget!r} ended before the first evaluation was made: raise the budget"
            )
        chosen = ledger.best
        note = note_of(stopped, ledger.limits.minutes, follows_clock=self.follows_clock)
        return Result(
            agent=agent.name,
            seed=self.seed,
            budget=budget,
            hyperparameters=agent.hyperparameters(),
            architecture=chosen.architecture,
            score=chosen.score,
            evaluations=tuple(ledger.history),
            stopped=stopped,
            steps=ledger.stats.steps,
            seconds=ledger.stats.cost,
            charges=tuple(ledger.charges),
            shares=tuple(ledger.shares),
            repeatable=not note,
            note=note,
            started_from=self.started_from,
            policy=self.policy,
        )


@lru_cache(maxsize=4)
def _recorded_data(table: Table | None) -> Task | None:
    """Return the data that a table was recorded on; None where it is not known."""
    from nas_gym.tables import recorded_task

    return None if table is None else recorded_task(table)


def check_discount(gamma: float, session: Session) -> None:
    """Refuse gamma 1 under a reward that never ends: bootstrapped values would grow without bound.

    Raises:
        NASGymError: if gamma is 1 and the reward is not episodic.
    """
    if gamma == 1 and not session.unwrapped.reward.episodic:
        raise ConfigError(
            "gamma 1 with a reward that goes on after the horizon makes values grow without bound: "
            "take gamma below 1, or the reward 'final'"
        )


def whole_number(name: str, value: object, at_least: int) -> int:
    """Check a hyperparameter that counts something, and return it as Python's int.

    Raises:
        NASGymError: if it is not a whole number of at least `at_least`.
    """
    count = whole(value)
    if count is None or count < at_least:
        raise ConfigError(f"{name} must be a whole number of at least {at_least}, not {value!r}")
    return count


def within(name: str, value: object, low: float, high: float, *, above_low: bool = False) -> float:
    """Check a hyperparameter of a closed range, open at the bottom with `above_low`, and return it.

    Raises:
        NASGymError: if it is not a number in the range.
    """
    found = number(value)
    if found is None or not low <= found <= high or (above_low and found == low):
        bottom = "(" if above_low else "["
        raise ConfigError(f"{name} must be a number in {bottom}{low:g}, {high:g}], not {value!r}")
    return found
