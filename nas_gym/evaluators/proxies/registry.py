"""Proxies by name; adding one is adding a file and a line."""

from __future__ import annotations

from nas_gym.errors import ConfigError, unknown
from nas_gym.evaluators.proxies.az_nas import AGGREGATE, VIEWS
from nas_gym.evaluators.proxies.base import Proxy
from nas_gym.evaluators.proxies.fisher import Fisher
from nas_gym.evaluators.proxies.graf import GRAPH_PROXIES
from nas_gym.evaluators.proxies.grasp import Grasp
from nas_gym.evaluators.proxies.input_gradients import EPENAS, Jacov
from nas_gym.evaluators.proxies.meco import MeCo
from nas_gym.evaluators.proxies.patterns import NWOT, SWAP
from nas_gym.evaluators.proxies.saliency import GradNorm, L2Norm, Plain, Snip
from nas_gym.evaluators.proxies.size import Flops, Params
from nas_gym.evaluators.proxies.synflow import Synflow
from nas_gym.evaluators.proxies.zen import Zen
from nas_gym.evaluators.proxies.zico import ZiCo
from nas_gym.tasks import Task

PROXIES: dict[str, Proxy] = {
    each.name: each()
    for each in (
        Params,
        Flops,
        Plain,
        Snip,
        Grasp,
        Fisher,
        GradNorm,
        L2Norm,
        Jacov,
        NWOT,
        EPENAS,
        Synflow,
        Zen,
        ZiCo,
        SWAP,
        MeCo,
        *VIEWS,
        *GRAPH_PROXIES,
    )
}
POOL_PROXIES = (AGGREGATE,)
"""Names of proxies by which a network has a value only within a pool of them."""


def proxy_of(name: object) -> Proxy:
    """Return a proxy by its name.

    Raises:
        NASGymError: if there is none, or it is one of `POOL_PROXIES`.
    """
    if name in POOL_PROXIES:
        raise ConfigError(
            f"{name} ranks the networks of a pool, so that a network alone has no score by it: use it in "
            f"warm_start or 'nas-gym rank', or one of {', '.join(view.name for view in VIEWS)}"
        )
    if not isinstance(name, str) or name not in PROXIES:
        raise unknown("proxy", name, [*PROXIES, *POOL_PROXIES])
    return PROXIES[name]


def views_of(name: str) -> list[Proxy]:
    """Return the proxies that a name stands for: itself, or of one of `POOL_PROXIES` those it aggregates."""
    return [PROXIES[view.name] for view in VIEWS] if name in POOL_PROXIES else [proxy_of(name)]


def check_task(proxy: Proxy, task: Task) -> None:
    """Check that a task has what a proxy reads.

    Raises:
        NASGymError: if it has not, saying what is missing.
    """
    if proxy.needs in ("examples", "labels", "classes") and not len(task.y_train):
        raise ConfigError(
            f"the proxy {proxy.name!r} reads training examples, and the task {task.name!r} has none: pass "
            "the task that the table was recorded on, or a proxy without data such as 'synflow'"
        )
    if proxy.needs == "classes" and task.target.kind != "classes":
        raise ConfigError(
            f"the proxy {proxy.name!r} compares examples of one class, and the task {task.name!r} has "
            f"{task.target.kind}: take another proxy, such as 'jacov'"
        )
