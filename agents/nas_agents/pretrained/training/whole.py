"""A training from the plan to the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from nas_agents.pretrained.training.learning import Plan, Pretraining, fine_tune, pretrain
from nas_agents.pretrained.training.own_runs import landscapes_of
from nas_agents.pretrained.training.provenance import fine_tuned, provenance, reinforcement_provenance
from nas_agents.pretrained.training.reinforcement import Reinforcement, drawing, reinforced
from nas_agents.pretrained.weights import PolicyWeights, read_weights, shipped_weights
from nas_gym.errors import ConfigError

OWN_RUNS = {"rounds": 2, "searches": 40, "passes": 4, "rate": 2e-4}
"""The plan of a training on a user's own runs, where nothing else is asked for."""


def pretrain_policy(
    out: Path,
    options: Mapping[str, int | bool],
    command: str,
    *,
    runs: Sequence[Path] = (),
    reinforce: int = 0,
    start: Path | None = None,
    work: Path,
    report: Callable[[Pretraining], None] | None = None,
) -> str:
    """Train a policy, write its weights and their provenance, and return the weights' SHA-256.

    Args:
        out: file of the weights.
        options: options of a `Plan`.
        command: the command that repeats the training.
        runs: folders of finished runs to train further on; none for synthetic landscapes.
        reinforce: updates by reinforcement that follow on synthetic landscapes.
        start: with `runs`, the policy to train further; None for that of the package.
        work: folder that an interrupted training on synthetic landscapes goes on from.
        report: is told how far it is; None for nobody.

    Raises:
        NASGymError: if `runs` have nothing to learn from, `start` is no policy or comes without runs, or
            runs are to be reinforced.
    """
    import torch

    if start is not None and not runs:
        raise ConfigError("start is the policy that runs train further: pass runs, or leave it out")
    if reinforce and runs:
        raise ConfigError("reinforce is of a training on synthetic landscapes: leave it or runs out")

    threads, told = torch.get_num_threads(), report or _nobody
    torch.set_num_threads(1)  # sums in another order would be other weights
    try:
        with threadpool_limits(limits=1):  # type: ignore[no-untyped-call]
            if runs:
                plan = Plan(**(OWN_RUNS | dict(options)))  # type: ignore[arg-type]
                before = shipped_weights() if start is None else read_weights(start)
                network = fine_tune(before, landscapes_of(runs), plan, told)
                whence = fine_tuned(before, plan, command, runs)
            else:
                plan = Plan(**options)  # type: ignore[arg-type]
                network, whence = pretrain(plan, work, told), provenance(plan, command)
                if reinforce:
                    after = Reinforcement(updates=reinforce, seed=plan.seed)
                    network = reinforced(network, after, drawing(plan), work, _of_reinforcement(told))
                    whence |= reinforcement_provenance(after)
    finally:
        torch.set_num_threads(threads)
    weights = PolicyWeights.of_network(network, whence)
    out.parent.mkdir(parents=True, exist_ok=True)
    weights.save(out)
    return weights.digest


def _of_reinforcement(told: Callable[[Pretraining], None]) -> Callable[[float, float], None]:
    """Return what reports a reinforcement as a stage of a training."""

    def report(done: float, earned: float) -> None:
        told(Pretraining(done, f"reinforcement; a search earns {earned:.3f}", float("nan")))

    return report


def _nobody(advance: Pretraining) -> None:
    """Tell nobody."""
