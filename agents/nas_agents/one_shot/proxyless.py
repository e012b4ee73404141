"""ProxylessNAS (Cai et al. 2019): binary gates, by which a step runs one or two candidates of a variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from nas_agents.agent import whole_number, within
from nas_agents.one_shot.candidate_costs import CandidateCosts, arithmetic, latencies
from nas_agents.one_shot.differentiable import Differentiable
from nas_agents.one_shot.search_state import Alpha
from nas_gym.errors import ConfigError, unknown
from nas_gym.networks import Blend, candidates
from nas_gym.training import PASSES

if TYPE_CHECKING:
    from nas_agents.one_shot.search import SharedSearch
    from nas_gym.networks import Network
    from nas_gym.training import Batch, Blends, MixtureTraining

COSTS = ("flops", "latency")


@dataclass(kw_only=True)
class Proxyless(Differentiable):
    """ProxylessNAS: w moves along one path that is drawn; alpha by the gradients of gates of two paths.

    Source: Cai, Zhu and Han, "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware",
    2019. The cost of an architecture is its arithmetic or its latency, as a share of the most there is:
    E[cost] is the sum over candidates of p times their share, and its gradient is exact. Of the gradient of
    two gates the expectation is that of all gates: it is weighed by the chance of the pair, which the paper
    leaves out.

    Attributes:
        cost: ``"flops"``, or ``"latency"``, the milliseconds of the environment's evaluator, as in
            ``evaluator={"name": "train", "latency": "here"}``; those of each candidate are fitted to networks
            that are drawn for it.
        cost_weight: weight of the expected cost in the validation loss (lambda 2 of the paper); 0 for none.
        reinforce: whether alpha moves by REINFORCE instead, with reward accuracy x (cost / target)^omega.
        target: the target of the cost, a share of the most there is.
        omega: exponent of the cost in the reward.
        samples: paths of a step of REINFORCE.
    """

    name = "proxyless"
    # Without a mean of gradients, which would move candidates that did not run.
    betas = (0.0, 0.999)

    arch_learning_rate: float = 1e-3
    arch_weight_decay: float = 0.0
    cost: str = "flops"
    cost_weight: float = 0.0
    reinforce: bool = False
    target: float = 1.0
    omega: float = 0.0
    samples: int = 4
    _costs: CandidateCosts | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cost not in COSTS:
            raise unknown("cost", self.cost, COSTS)
        within("cost_weight", self.cost_weight, 0, 1000)
        within("target", self.target, 0, 1, above_low=True)
        within("omega", self.omega, -10, 0)
        whole_number("samples", self.samples, at_least=1)
        if not isinstance(self.reinforce, bool):
            raise ConfigError(f"reinforce must be true or false, not {self.reinforce!r}")

    def mixture(self, shared: SharedSearch) -> Network:
        network = super().mixture(shared)
        matters = self.omega != 0 if self.reinforce else self.cost_weight > 0
        by_latency = self.cost == "latency" and matters
        self._costs = latencies(shared) if by_latency else arithmetic(network)
        return network

    @property
    def costs(self) -> CandidateCosts:
        """What candidates cost in the search under way."""
        assert self._costs is not None
        return self._costs

    def blends(self, rows: Mapping[str, Tensor], share: float, rng: np.random.Generator) -> Blends:
        """Return one path, drawn from p = softmax(alpha)."""
        return {name: gate(len(row), drawn(probabilities(row), rng), row) for name, row in rows.items()}

    def validation_gradient(
        self, net: MixtureTraining, alpha: Alpha, train: Batch, validation: Batch, rng: np.random.Generator
    ) -> Tensor:
        rows = {name: row.detach() for name, row in alpha.rows().items()}
        if self.reinforce:
            found = self._score_gradient(net, rows, rng)
        else:
            found = self._gate_gradient(net, rows, validation, rng)
        gradient = torch.cat([found[name] for name in rows])
        if self.cost_weight and not self.reinforce:
            cost = self.cost_weight * self.costs.expected(alpha.rows())
            gradient = gradient + torch.autograd.grad(cost, alpha.flat)[0]
        return gradient

    def _gate_gradient(
        self, net: MixtureTraining, rows: Mapping[str, Tensor], validation: Batch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        pairs = {name: drawn_pair(probabilities(row), rng) for name, row in rows.items()}
        gates = {
            name: gate(len(row), pair.opened, row, runs=pair.members).weights.requires_grad_(True)
            for (name, row), pair in zip(rows.items(), pairs.values(), strict=True)
        }
        blends = {name: Blend(gates[name], pairs[name].members) for name in rows}
        gradients = torch.autograd.grad(net.loss(validation, blends), list(gates.values()))
        return {
            name: two_path_gradient(row, pairs[name], gradient)
            for (name, row), gradient in zip(rows.items(), gradients, strict=True)
        }

    def _score_gradient(
        self, net: MixtureTraining, rows: Mapping[str, Tensor], rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Return the gradient of minus the expected reward, by the score function and a mean as baseline."""
        paths, rewards = [], []
        examples = net.examples(rng)
        for _ in range(self.samples):
            path = self.blends(rows, net.share, rng)
            score = net.measured(path, examples)
            cost = max(self.costs.of_path(path), 1e-6)
            paths.append(path)
            rewards.append(score * (cost / self.target) ** self.omega)
        found = {name: torch.zeros_like(row) for name, row in rows.items()}
        for path, reward in zip(paths, rewards, strict=True):
            others = (sum(rewards) - reward) / (len(rewards) - 1) if len(rewards) > 1 else 0.0
            for name, row in rows.items():
                found[name] -= (reward - others) * (path[name].weights - torch.softmax(row, 0)) / len(paths)
        return found

    def passes(self, net: MixtureTraining, alpha: Alpha) -> float:
        """Return those of the largest candidates, twice for alpha."""
        most = sum(max(one.flops for one in each) for each in candidates(net.network).values())
        return 3 * PASSES * (most + trunk(net))

    def alpha_step(
        self,
        net: MixtureTraining,
        alpha: Alpha,
        optimizer: torch.optim.Optimizer,
        train: Batch,
        validation: Batch,
        rng: np.random.Generator,
    ) -> None:
        before = alpha.rows(alpha.flat.detach().clone())
        super().alpha_step(net, alpha, optimizer, train, validation, rng)
        if not self.reinforce and not self.cost_weight:
            with torch.no_grad():
                after = alpha.rows().values()
                moved = [rescaled(*pair) for pair in zip(before.values(), after, strict=True)]
                alpha.flat.copy_(torch.cat(moved))


@dataclass(frozen=True)
class Pair:
    """Two candidates of a variable that are run.

    Attributes:
        members: their numbers, ascending.
        opened: the one whose gate is open.
        chance: the probability that these two were drawn.
    """

    members: tuple[int, int]
    opened: int
    chance: float


def probabilities(row: Tensor) -> np.ndarray:
    """Return softmax(alpha), float64."""
    p = np.exp(row.detach().cpu().numpy().astype(np.float64) - float(row.max()))
    return np.asarray(p / p.sum())


def drawn(p: np.ndarray, rng: np.random.Generator) -> int:
    """Return a candidate drawn by its probability."""
    return min(int(np.searchsorted(np.cumsum(p), rng.random(), side="right")), len(p) - 1)


def drawn_pair(p: np.ndarray, rng: np.random.Generator) -> Pair:
    """Return two candidates drawn one after the other without return, and which of them is open."""
    first = drawn(p, rng)
    rest = np.where(np.arange(len(p)) == first, 0.0, p)
    # Where all but one have vanished, any other one is as likely.
    rest = rest / rest.sum() if rest.sum() > 0 else (np.arange(len(p)) != first) / (len(p) - 1)
    second = drawn(rest, rng)
    i, j = sorted((first, second))
    q = p[i] / (p[i] + p[j])
    opened = i if rng.random() < q else j
    return Pair((i, j), opened, pair_chance(p, i, j))


def pair_chance(p: np.ndarray, i: int, j: int) -> float:
    """Return the probability that `drawn_pair` draws these two."""
    tiny = np.finfo(float).tiny
    return float(p[i] * p[j] / max(1 - p[i], tiny) + p[j] * p[i] / max(1 - p[j], tiny))


def gate(count: int, opened: int, like: Tensor, runs: tuple[int, ...] | None = None) -> Blend:
    """Return weights that are 1 for one candidate and 0 for all others, which do not run."""
    weights = torch.zeros(count, dtype=like.dtype, device=like.device)
    weights[opened] = 1.0
    return Blend(weights, (opened,) if runs is None else runs)


def two_path_gradient(row: Tensor, pair: Pair, d_gates: Tensor) -> Tensor:
    """Return the gradient by alpha of two candidates from that by their gates, (choices,).

    Within the pair, with q = p renormalised, it is sum_j dL/dg_j q_j (delta_ij - q_i) (equation 4). Times
    (p_i + p_j)^2 / chance, so that its expectation over pairs is the sum over all candidates.

    Args:
        row: alpha, (choices,).
        pair: the two candidates.
        d_gates: gradient of the loss by the gates, (choices,); 0 for those that did not run.
    """
    p = probabilities(row)
    members = list(pair.members)
    both = float(p[members].sum())
    q = torch.tensor(p[members] / both, dtype=row.dtype, device=row.device)
    d = d_gates[members]
    gradient = torch.zeros_like(row)
    gradient[members] = q * (d - (d * q).sum()) * (both**2 / max(pair.chance, 1e-12))
    return gradient


def rescaled(before: Tensor, after: Tensor) -> Tensor:
    """Return alpha after a step, moved where it changed so that all other probabilities are as before."""
    moved = before != after
    if not bool(moved.any()) or bool(moved.all()):
        return after
    offset = torch.logsumexp(before[moved], 0) - torch.logsumexp(after[moved], 0)
    return torch.where(moved, after + offset, after)


def trunk(net: MixtureTraining) -> int:
    """Return the arithmetic of what belongs to no candidate."""
    own = sum(one.flops for each in candidates(net.network).values() for one in each)
    return net.network.flops - own
