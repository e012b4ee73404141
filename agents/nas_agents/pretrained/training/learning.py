"""Pretraining: rounds of searches on fresh landscapes, each followed by a fit to the states of all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from nas_agents.pretrained.graphs import Graph, joined_graphs
from nas_agents.pretrained.network import MessagePassing, PolicyNetwork
from nas_agents.pretrained.pool import Pool
from nas_agents.pretrained.state import FEATURES, READ
from nas_agents.pretrained.training.imitation import Judge, States, joined, no_states, played
from nas_agents.pretrained.training.landscapes import Landscape, draw_landscape
from nas_agents.pretrained.training.spaces import SPACES, training_space
from nas_agents.pretrained.weights import PolicyWeights
from nas_gym.errors import ConfigError

FIRST_GUIDE = FEATURES.index("mixed improvement")
"""What the searches of the first round go by, before there is a network."""

SEARCHING = 0.7
"""The part of a round that its searches take."""
FEW_CANDIDATES, MOST_OF_FEW = 0.5, 1200
"""The share of searches that see a part of the architectures of a space, and how many those are at most."""
MOST_CLASSES = 2**32
"""More classes than a pool has."""
FEWEST_OWN = 24
"""Candidates at least of a search in a recorded landscape."""
SHORTEST = 20
"""Steps of the shortest schedule of the learning rate, so that the tenth of them by which it rises is one."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a pretraining does.

    Attributes:
        seed: seed of all draws.
        rounds: how often searches are made and the network is fitted.
        searches: searches of a round.
        passes: passes over all states of a round.
        batch: states of a gradient step.
        rate: learning rate of Adam at its highest; it falls to a twentieth over the last round.
        unread: share of the states that readings and graphs are hidden in, so that the run counts, too.
        graph: whether the network reads graphs by message passing, too.
        spaces: names of the spaces of `SPACES`.
    """

    seed: int = 0
    rounds: int = 3
    searches: int = 200
    passes: int = 4
    batch: int = 32
    rate: float = 1e-3
    unread: float = 0.15
    graph: bool = True
    spaces: tuple[str, ...] = tuple(SPACES)


class Pretraining(NamedTuple):
    """How far a pretraining is.

    Attributes:
        done: share that is done, in [0, 1].
        stage: what it is at, in words.
        loss: mean loss of the last pass, NaN before the first.
    """

    done: float
    stage: str
    loss: float


def pretrain(plan: Plan, folder: Path, report: Callable[[Pretraining], None]) -> PolicyNetwork:
    """Train a policy on synthetic landscapes.

    A training of the same plan goes on where one in the folder stopped. After each round the folder has the
    states of that round and the weights; it is bit for bit the same training whether it was interrupted or
    not.

    Raises:
        NASGymError: if the folder has a training of another plan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _hold(folder, plan)
    pools: dict[str, Pool] = {}
    network, first = _last(folder, plan)
    states = joined([no_states(), *(_read(_states_file(folder, number)) for number in range(first))])
    loss = float("nan")
    for number in range(first, plan.rounds):
        if not _states_file(folder, number).exists():
            guide = PolicyWeights.of_network(network, {}).judge
            fresh = _searched(plan, number, pools, _first_guide if number == 0 else guide, report)
            _write(_states_file(folder, number), fresh)
        states = joined([states, _read(_states_file(folder, number))])
        report(Pretraining((number + SEARCHING) / plan.rounds, f"fitting, round {number + 1}", loss))
        graphs = _graphs([_pool(pools, name) for name in plan.spaces]) if plan.graph else []
        loss = fit(network, states, plan, number, graphs)
        torch.save(network.state_dict(), _weights_file(folder, number))
    report(Pretraining(1.0, "done", loss))
    return network


def fine_tune(
    weights: PolicyWeights, landscapes: Sequence[Landscape], plan: Plan, report: Callable[[Pretraining], None]
) -> PolicyNetwork:
    """Train a policy further, by searches of recorded landscapes; nothing is kept but the network.

    Args:
        weights: what it starts from.
        landscapes: landscapes of runs, see `nas_agents.pretrained.training.own_runs`.
        plan: what is done; its spaces are not read.
        report: is told how far it is.
    """
    network = fresh_network(plan.seed, graph=weights.reads_graphs)
    graphs = _graphs([landscape.pool for landscape in landscapes]) if weights.reads_graphs else []
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.arrays.items()})
    states, loss = no_states(), float("nan")
    for number in range(plan.rounds):
        judge, parts = PolicyWeights.of_network(network, {}).judge, [states]
        for search in range(plan.searches):
            done = (number + SEARCHING * search / plan.searches) / plan.rounds
            report(Pretraining(done, f"searches, round {number + 1}", loss))
            rng = np.random.default_rng([plan.seed, 3, number, search])
            pool = int(rng.integers(len(landscapes)))
            landscape = landscapes[pool]
            share = rng.uniform(0.5, 1.0)
            part = landscape.subset(max(FEWEST_OWN, int(share * len(landscape.pool))), rng)
            parts.append(played(part, judge, rng, pool))
        states = joined(parts)
        loss = fit(network, states, plan, number, graphs)
    report(Pretraining(1.0, "done", loss))
    return network


def fit(
    network: PolicyNetwork,
    states: States,
    plan: Plan,
    number: int,
    graphs: Sequence[Sequence[Graph]] = (),
) -> float:
    """Fit a network to states by cross-entropy, and return the mean loss of the last pass.

    Args:
        network: the network.
        states: what it learns from.
        plan: how.
        number: number of the round.
        graphs: the graphs of the classes of each pool, of a network that reads graphs.
    """
    generator = np.random.default_rng([plan.seed, 2, number])
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=1e-3)
    count = len(states.features)
    # All passes after the last round, fewer before, whose network only guides searches.
    passes = plan.passes if number == plan.rounds - 1 else -(-plan.passes // 2)
    steps = passes * -(-count // plan.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, plan.rate, total_steps=max(steps, SHORTEST), pct_start=0.1
    )
    total = 0.0
    for _ in range(passes):
        total, order = 0.0, generator.permutation(count)
        for start in range(0, count, plan.batch):
            rows = order[start : start + plan.batch]
            seen = states.features[rows].astype(np.float32)
            unread = generator.random(len(rows)) < plan.unread
            seen[unread, :, READ] = 0.0
            embedded = None if network.graph is None else _embedded(network.graph, states, rows, graphs)
            if embedded is not None:
                embedded = embedded * torch.from_numpy(~unread).to(torch.float32)[:, None, None]
            scores = network(torch.from_numpy(seen), embedded) + torch.from_numpy(states.weights[rows])
            wanted = torch.from_numpy(states.targets[rows])
            loss = -(wanted * torch.log_softmax(scores, dim=1)).sum(dim=1).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
    return total / count


def _embedded(
    network: MessagePassing, states: States, rows: np.ndarray, graphs: Sequence[Sequence[Graph]]
) -> torch.Tensor:
    """Return what the graphs of the candidates of some states come to, (states, `KEPT`, `EMBEDDED`)."""
    keys = states.pools[rows][:, None].astype(np.int64) * MOST_CLASSES + states.groups[rows]
    unique, places = np.unique(keys, return_inverse=True)
    which = [divmod(key, MOST_CLASSES) for key in unique.tolist()]
    embedded: torch.Tensor = network(joined_graphs([graphs[pool][group] for pool, group in which]))
    return embedded[torch.from_numpy(places.reshape(keys.shape))]


def _graphs(pools: Sequence[Pool]) -> list[list[Graph]]:
    return [[pool.graph(group) for group in range(pool.num_groups)] for pool in pools]


def fresh_network(seed: int, *, graph: bool = True) -> PolicyNetwork:
    """Return a network of random weights, which a seed determines."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PolicyNetwork(graph=graph)


def _first_guide(seen: np.ndarray, pool: Pool) -> np.ndarray:
    """Score candidates as the searches of the first round do, before there is a network."""
    return np.asarray(seen[:, FIRST_GUIDE])


def _searched(
    plan: Plan, number: int, pools: dict[str, Pool], judge: Judge, report: Callable[[Pretraining], None]
) -> States:
    """Return the states of the searches of a round."""
    parts = []
    for search in range(plan.searches):
        done = (number + SEARCHING * search / plan.searches) / plan.rounds
        report(Pretraining(done, f"searches, round {number + 1}", float("nan")))
        parts.append(_one(plan, number, search, pools, judge))
    return joined(parts)


def _one(plan: Plan, number: int, search: int, pools: dict[str, Pool], judge: Judge) -> States:
    rng = np.random.default_rng([plan.seed, 1, number, search])
    name = plan.spaces[int(rng.integers(len(plan.spaces)))]
    pool = _pool(pools, name)
    landscape = draw_landscape(pool, rng)
    if rng.random() < FEW_CANDIDATES:
        landscape = landscape.subset(MOST_OF_FEW, rng)
    return played(landscape, judge, rng, plan.spaces.index(name))


def _pool(pools: dict[str, Pool], name: str) -> Pool:
    """Return the pool of a space, made when it is first asked for."""
    if name not in pools:
        space = training_space(name)
        pools[name] = Pool(space, list(space))
    return pools[name]


def _last(folder: Path, plan: Plan) -> tuple[PolicyNetwork, int]:
    """Return the network of the last finished round of a folder, and the number of the next round."""
    network, number = fresh_network(plan.seed, graph=plan.graph), 0
    while number < plan.rounds and _weights_file(folder, number).exists():
        number += 1
    if number:
        network.load_state_dict(torch.load(_weights_file(folder, number - 1), weights_only=True))
    return network, number


def _hold(folder: Path, plan: Plan) -> None:
    """Write the plan into a folder, or check that it is the one there."""
    file, text = folder / "plan.json", json.dumps(asdict(plan), sort_keys=True)
    if file.exists() and file.read_text() != text:
        raise ConfigError(
            f"{folder} has a training of another plan: delete it, or pass another --work folder"
        )
    file.write_text(text)


def _states_file(folder: Path, number: int) -> Path:
    return folder / f"states-{number}.npz"


def _weights_file(folder: Path, number: int) -> Path:
    return folder / f"weights-{number}.pt"


def _read(path: Path) -> States:
    with np.load(path, allow_pickle=False) as arrays:
        return States(*(arrays[name] for name in States._fields))


def _write(path: Path, states: States) -> None:
    """Write states whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(part, **states._asdict())
    part.replace(path)
