"""Where an agent begins: with uniform draws, or with the best of a pool by a proxy.

Source: Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", 2021, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nas_agents.agent import Session, whole_number
from nas_gym.common import whole
from nas_gym.errors import ConfigError, unknown
from nas_gym.search_spaces import Architecture, SearchSpace

if TYPE_CHECKING:
    import numpy as np

    from nas_gym.tasks import Task

POOL = 3000
OPTIONS = ("proxy", "pool", "seeds")
WarmStart = dict[str, Any]


def check_warm_start(options: object) -> None:
    """Check the hyperparameter ``warm_start``; whether there is such a proxy is checked when it is used.

    Raises:
        NASGymError: if it is neither None nor a dict of options, or one of them does not fit.
    """
    if options is None:
        return
    if not isinstance(options, Mapping) or not isinstance(options.get("proxy"), str):
        raise ConfigError(
            f"warm_start must be a dict like {{'proxy': 'synflow', 'pool': {POOL}}}, not {options!r}"
        )
    for name in options:
        if name not in OPTIONS:
            raise unknown("option of warm_start", name, OPTIONS)
    whole_number("pool of warm_start", options.get("pool", POOL), at_least=1)
    seeds = options.get("seeds", [0])
    if not isinstance(seeds, list | tuple) or not seeds or any(whole(seed) is None for seed in seeds):
        raise ConfigError(f"seeds of warm_start must be a list of whole numbers like [0, 1], not {seeds!r}")


def starts(session: Session, warm_start: WarmStart | None) -> Iterator[Architecture]:
    """Yield architectures to begin with, without end.

    They are uniform draws, after the networks of a pool, the best by a proxy first, where one is asked for.
    Measuring the pool trains nothing and takes nothing from the budget but time by the clock.

    Args:
        session: the search, whose generator draws.
        warm_start: ``proxy``, its name; ``pool``, how many different networks are drawn; ``seeds`` of the
            weights and batches that the proxy's values are averaged over. None for uniform draws alone.

    Raises:
        NASGymError: if the proxy is unknown or does not fit the task.
    """
    if warm_start is not None:
        yield from pool_of(session, warm_start)
    while True:
        yield session.search_space.sample(session.rng)


def pool_of(session: Session, warm_start: WarmStart) -> list[Architecture]:
    """Return the networks of the pool, the best first; see `starts`."""
    from nas_gym.evaluators import ProxyMeter, best_of_pool

    space = session.search_space
    drawn = distinct(space, warm_start.get("pool", POOL), session.rng)
    meter = ProxyMeter(space, data_of(session), "cpu")
    return best_of_pool(meter, drawn, warm_start["proxy"], warm_start.get("seeds", [0]))


def distinct(
    search_space: SearchSpace[Architecture], count: int, rng: np.random.Generator
) -> list[Architecture]:
    """Return so many different architectures, or all of a smaller space, drawn uniformly."""
    draws = iter(lambda: search_space.sample(rng), None)
    return take_distinct(draws, min(count, search_space.size))


def take_distinct(architectures: Iterator[Architecture], count: int) -> list[Architecture]:
    """Return the first so many different ones."""
    taken: dict[Architecture, None] = {}
    while len(taken) < count:
        taken[next(architectures)] = None
    return list(taken)


def data_of(session: Session) -> Task:
    """Return the data that proxies read: of a table what it was recorded on, where that is known."""
    task: Task = session.unwrapped.task
    return session.recorded_data() or task
