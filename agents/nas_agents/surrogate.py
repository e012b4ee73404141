"""A surrogate: a model of a few trained networks that scores all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nas_agents.agent import whole_number
from nas_agents.registry import make_agent
from nas_gym.errors import ConfigError
from nas_gym.registry import options_of
from nas_gym.tables import Table, recorded_task

AGENT = "model-based"
TRAININGS = 60
LEAST = 2


@dataclass(frozen=True)
class Surrogate:
    """The model of the model-based agent, told of networks drawn uniformly from a table, none that it scores.

    Attributes:
        trainings: networks that it is told of, at least 2. It sees one training of each, as an agent does.
        agent: name of the agent whose model it is, ``"model-based"``.
        options: hyperparameters of the agent; those of the model count, such as ``proxies``.
    """

    trainings: int = TRAININGS
    agent: str = AGENT
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole_number("trainings of a surrogate", self.trainings, at_least=LEAST)
        if self.agent != AGENT:
            raise ConfigError(
                f"a surrogate is the model of an agent that has one: {AGENT}, not {self.agent!r}"
            )
        make_agent({"name": self.agent, **self.options})  # says what is wrong with the options

    @property
    def label(self) -> str:
        """The surrogate in words."""
        others = "".join(f", {name} {value}" for name, value in self.options.items())
        return f"surrogate ({self.agent}, trainings {self.trainings}{others})"

    def scores(self, table: Table, rows: np.ndarray, seed: int) -> np.ndarray:
        """Return the score that the model expects of some networks of a table, float64 (rows,).

        Args:
            table: what networks scored.
            rows: numbers of the networks to score, which the model is not told of.
            seed: of the draw of the others, and which recorded training of each it sees.

        Raises:
            NASGymError: if too few networks are left to be told of, or a proxy lacks its data.
        """
        others = np.setdiff1d(np.arange(table.size), rows)
        if len(others) < self.trainings:
            raise ConfigError(
                f"a surrogate of {self.trainings} trainings is told of networks that it does not score, and "
                f"{len(others):,} of the table {table.name!r} are left: compare at most "
                f"{max(0, table.size - self.trainings):,} networks"
            )
        told = np.random.default_rng([seed, 4]).choice(others, self.trainings, replace=False)
        recorded = np.where(table.failed, 0.0, table.scores())[told]
        seen = recorded[:, seed % recorded.shape[1]]
        seen = np.where(np.isnan(seen), table.mean_score()[told], seen)
        return self._expected(table, told, seen, rows)

    def _expected(self, table: Table, told: np.ndarray, seen: np.ndarray, rows: np.ndarray) -> np.ndarray:
        from nas_agents.model_based.agent import ModelBased
        from nas_agents.model_based.planners import features_of, flags_of
        from nas_agents.model_based.proxy_features import ProxyScores

        space, agent = table.search_space, make_agent({"name": self.agent, **self.options})
        assert isinstance(agent, ModelBased)
        names = agent.proxies or []
        costs = None
        if names:
            task = recorded_task(table)
            if task is None:
                raise ConfigError(
                    f"proxies of a surrogate need data, and {table.name!r} does not say where it is"
                )
            costs = ProxyScores(space, task, names)
        with threadpool_limits(limits=1):  # type: ignore[no-untyped-call]
            model = agent.model(features_of(space, costs, flags_of(agent)))
            model.tell([space.architecture(int(row)) for row in told], seen.tolist())
            mean, _ = model.beliefs([space.architecture(int(row)) for row in rows])
        return np.asarray(mean, dtype=np.float64)


def surrogate_of(spec: str | Mapping[str, Any]) -> Surrogate:
    """Return the surrogate of a spec like ``{"name": "surrogate", "trainings": 60}``.

    Raises:
        NASGymError: if an option does not fit.
    """
    options = options_of("score", spec)
    options.pop("name", None)
    named = {name: options.pop(name) for name in ("trainings", "agent") if name in options}
    return Surrogate(**named, options=options)
