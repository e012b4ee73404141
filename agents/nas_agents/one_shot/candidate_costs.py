"""What each candidate of a mixture costs: its arithmetic, or its milliseconds on a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nas_gym.errors import ConfigError
from nas_gym.evaluators import AdditiveModel, Latency
from nas_gym.networks import Mixture, Network, SharedLinear, branches, candidates
from nas_gym.search_spaces import SearchSpace

if TYPE_CHECKING:
    from torch import Tensor

    from nas_agents.one_shot.search import SharedSearch
    from nas_gym.training import Blends

NETWORKS_PER_CANDIDATE = 4
"""Networks whose latency is asked for, for each number that is fitted to them."""


@dataclass(frozen=True)
class CandidateCosts:
    """Costs of candidates, as shares of the most that an architecture costs.

    Attributes:
        shares: cost of each candidate of each variable.
        rest: cost of what belongs to no candidate.
        pairs: cost of a candidate of one variable with one of another, beside their own, by the two
            variables: of a layer of one width that reads one of another width.
    """

    shares: Mapping[str, list[float]]
    rest: float = 0.0
    pairs: Mapping[tuple[str, str], list[list[float]]] = field(default_factory=dict)

    def expected(self, rows: Mapping[str, Tensor]) -> Tensor:
        """Return the sum over variables of the mean cost of a candidate (Cai et al. 2019, equation 8).

        The mean cost of a pair is exact, since variables are drawn independently.

        Args:
            rows: alpha of each variable.
        """
        p = {name: torch.softmax(row, 0) for name, row in rows.items()}
        means = [p[name] @ row.new_tensor(self.shares[name]) for name, row in rows.items()]
        means += [p[one] @ p[one].new_tensor(each) @ p[other] for (one, other), each in self.pairs.items()]
        return torch.stack(means).sum()

    def of_path(self, path: Blends) -> float:
        """Return the cost of a path."""
        choices = {name: int(blend.weights.argmax()) for name, blend in path.items()}
        found = sum(self.shares[name][choice] for name, choice in choices.items())
        found += sum(each[choices[one]][choices[other]] for (one, other), each in self.pairs.items())
        return self.rest + found


def arithmetic(network: Network) -> CandidateCosts:
    """Return the floating-point operations of the candidates of a network of mixtures, without the rest.

    The cost of a layer that reads a mixture of widths depends on both choices, so it is kept in `pairs`;
    `candidates` counts it at the widest.
    """
    found = {name: [one.flops for one in each] for name, each in candidates(network).items()}
    pairs: dict[tuple[str, str], list[list[int]]] = {}
    for node, branch in zip(network.nodes, branches(network), strict=True):
        if not isinstance(node.operation, SharedLinear):
            continue
        source = network.nodes[node.inputs[0]]
        if not isinstance(source.operation, Mixture):
            continue
        width = source.option("variable")
        by_width = [node.flops * network.nodes[each].shape[0] // source.shape[0] for each in source.inputs]
        for number, choice in branch.items():
            own = network.nodes[number].option("variable")
            found[own][choice] -= node.flops
            rows = pairs.setdefault((own, width), [[0] * len(by_width) for _ in found[own]])
            rows[choice] = [sum(each) for each in zip(rows[choice], by_width, strict=True)]
        if not branch:
            found[width] = [sum(each) for each in zip(found[width], by_width, strict=True)]
    most = sum(map(max, found.values())) + sum(max(map(max, each)) for each in pairs.values()) or 1
    return CandidateCosts(
        {name: [flops / most for flops in each] for name, each in found.items()},
        pairs={names: [[flops / most for flops in row] for row in each] for names, each in pairs.items()},
    )


def latencies(shared: SharedSearch) -> CandidateCosts:
    """Return the milliseconds of the candidates, by the latency of the environment's evaluator.

    Raises:
        NASGymError: if it gives none.
    """
    latency = shared.session.unwrapped.evaluator.latency
    if latency is None:
        raise ConfigError(
            "cost 'latency' needs an evaluator that gives latencies: pass evaluator={'name': 'train', "
            "'latency': 'here'}, or leave cost at 'flops'"
        )
    model, costs = fitted(shared.space, latency)
    shared.session.trace.scalars({"one_shot/latency_tau": model.error.tau}, 0)
    return costs


def fitted(space: SearchSpace[Any], latency: Latency) -> tuple[AdditiveModel, CandidateCosts]:
    """Return an additive model of the latency of networks by their choices, and what it says of each.

    It is fitted to some networks that are drawn with a fixed seed, four for each choice, or to all of a small
    space, of those that the mixture holds: of a chain at its largest depth, since layers that are not there
    would count as their first choice. What it gets wrong is the part of the latency that no single choice
    decides.
    """
    rng = np.random.default_rng(0)
    outside = space.outside_mixture()
    names = {
        name: [f"{name}: {choice}" for choice in range(len(variable.choices))]
        for name, variable in space.variables.items()
        if len(variable.choices) > 1 and name not in outside
    }
    count = NETWORKS_PER_CANDIDATE * sum(map(len, names.values()))
    # Of a small space all, since draws leave choices out, which then seem to cost nothing.
    some: Iterable[Any] = space if space.size <= count else (space.sample(rng) for _ in range(count))
    drawn = list(dict.fromkeys(space.decode(space.encode(each) | outside) for each in some))
    chosen = [space.encode(each) for each in drawn]
    counted = [Counter(kinds[values[name]] for name, kinds in names.items()) for values in chosen]
    model = AdditiveModel.fit(counted, np.array(latency.of(drawn)))
    milliseconds = {
        name: model.predict([Counter([kind]) for kind in kinds]) - model.constant
        for name, kinds in names.items()
    }
    most = model.constant + sum(float(each.max()) for each in milliseconds.values()) or 1.0
    shares = {name: [float(each) / most for each in row] for name, row in milliseconds.items()}
    return model, CandidateCosts(shares, model.constant / most)
