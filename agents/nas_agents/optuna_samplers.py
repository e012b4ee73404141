"""Optuna's samplers (Akiba et al. 2019) as agents, by ask and tell."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from nas_agents.agent import Agent, Session, whole_number, within
from nas_agents.warm_start import WarmStart, check_warm_start, pool_of
from nas_gym.search_spaces import Architecture


@dataclass(kw_only=True)
class OptunaSearch(Agent):
    """One Optuna study that maximises what networks are worth, over the fixed-length form of the space.

    Every trial has all variables, so samplers that model parameters jointly never meet one that
    is missing and never draw it at random instead. Assignments that differ in inactive variables
    decode to one architecture: it is told its known score and costs nothing again. A failed
    evaluation is told as a failed trial. Of several objectives the study has as many directions.

    Attributes:
        batch: trials asked for, and evaluated in one call, before any of them is told.
        warm_start: what the first trials are, see `nas_agents.warm_start.starts`; None for what the sampler
            draws.
    """

    access = "query"

    batch: int = 1
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        whole_number("batch", self.batch, at_least=1)
        check_warm_start(self.warm_start)

    @property
    def first(self) -> int | None:
        """The number of trials that a warm start gives in place of random ones; None for all of its pool."""
        return None

    @abstractmethod
    def sampler(self, seed: int) -> BaseSampler:
        """Return the Optuna sampler, with all randomness from `seed`."""

    def suggest(self, study: optuna.Study, session: Session) -> tuple[Trial, Architecture]:
        """Return a new trial and the architecture it stands for."""
        trial = study.ask(_distributions(session))
        variables = session.search_space.variables
        values = {
            name: variable.choices.index(trial.params.get(name, variable.choices[0]))
            for name, variable in variables.items()
        }
        return trial, session.search_space.decode(values)

    def run(self, session: Session) -> None:
        with _quiet():
            entries = 1 if session.objectives is None else len(session.objectives)
            study = optuna.create_study(directions=["maximize"] * entries, sampler=self.sampler(session.seed))
            self._enqueue(study, session)
            while True:
                trials, architectures = zip(
                    *(self.suggest(study, session) for _ in range(self.batch)), strict=True
                )
                for trial, evaluation in zip(trials, session.ask(architectures), strict=True):
                    if evaluation.failed:
                        study.tell(trial, state=TrialState.FAIL)
                    else:
                        study.tell(trial, session.gains([evaluation])[0].tolist())

    def _enqueue(self, study: optuna.Study, session: Session) -> None:
        """Make the best of the pool the first trials, where there is a warm start."""
        if self.warm_start is None:
            return
        space, names = session.search_space, _distributions(session)
        for architecture in pool_of(session, self.warm_start)[: self.first]:
            values = space.encode(architecture)
            study.enqueue_trial({name: space.variables[name].choices[values[name]] for name in names})


@dataclass(kw_only=True)
class TPE(OptunaSearch):
    """Tree-structured Parzen estimator, multivariate (Bergstra et al. 2011; Falkner et al. 2018).

    Of several objectives it is the multi-objective one (Ozaki et al. 2022).

    Attributes:
        startup: random trials before the model is used.
        candidates: samples among which the one of highest expected improvement is taken.
    """

    name = "tpe"
    under_objectives = "front"

    startup: int = 10
    candidates: int = 24

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("startup", self.startup, at_least=1)
        whole_number("candidates", self.candidates, at_least=1)

    @property
    def first(self) -> int:
        return self.startup

    def sampler(self, seed: int) -> BaseSampler:
        return TPESampler(
            n_startup_trials=self.startup, n_ei_candidates=self.candidates, multivariate=True, seed=seed
        )


@dataclass(kw_only=True)
class NSGA2(OptunaSearch):
    """NSGA-II (Deb et al. 2002), of one objective or several.

    Attributes:
        population: trials a generation; the first generation is random, so it must be well
            below the budget (Optuna's own default of 50 would make a search of 40 random).
        mutation: probability that a variable is drawn anew; at Optuna's own default, one variable
            a child, a small population soon breeds repeats alone.
        batch: as in every sampler; a generation does not depend on its own results.
    """

    name = "nsga2"
    under_objectives = "front"

    batch: int = 10

    population: int = 10
    mutation: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("population", self.population, at_least=2)
        within("mutation", self.mutation, 0, 1)

    @property
    def first(self) -> int:
        return self.population

    def sampler(self, seed: int) -> BaseSampler:
        return NSGAIISampler(population_size=self.population, mutation_prob=self.mutation, seed=seed)


@dataclass(kw_only=True)
class OptunaRandom(OptunaSearch):
    """Optuna's random sampler: uniform over assignments, not over architectures."""

    name = "optuna-random"
    under_objectives = "none"

    batch: int = 16

    def sampler(self, seed: int) -> BaseSampler:
        return RandomSampler(seed=seed)


def _distributions(session: Session) -> dict[str, BaseDistribution]:
    """Return the variables that leave a choice."""
    return {
        name: CategoricalDistribution(variable.choices)
        for name, variable in session.search_space.variables.items()
        if len(variable.choices) > 1
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the log line of each trial and the warning of experimental samplers, for this search only."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
