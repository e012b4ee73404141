"""Model-based search: learn what architectures earn, plan edits on the model, evaluate the best plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from nas_agents.agent import Agent, Session, whole_number, within
from nas_agents.model_based.features import Features
from nas_agents.model_based.front import ACQUISITIONS, FrontSearch
from nas_agents.model_based.planners import (
    ListedPlanner,
    Planner,
    SimulatedPlanner,
    around_the_best,
    best_first,
    fresh_designs,
    paid_for,
)
from nas_agents.model_based.planning import PlannedPolicy
from nas_agents.model_based.reward_model import RewardModel
from nas_agents.model_based.trainings import Rewards, Trainings
from nas_agents.warm_start import WarmStart, check_warm_start, starts, take_distinct
from nas_gym.errors import ConfigError, unknown
from nas_gym.search_spaces import Architecture


@dataclass(kw_only=True)
class ModelBased(Agent):
    """A Gaussian process of the reward, expected improvement, and plans made of simulated edits.

    After `first` uniform designs, each evaluation is of the architecture with the highest expected
    improvement over the best reward seen, among those that plans lead to. Plans alternate: every
    `near`-th is one edit long and starts from the best architecture known (from the next best once
    all its neighbours are evaluated), the others lead anywhere. In a space of at most `listed`
    architectures the latter consider all of them. In a larger one they are Dyna's: simulated walks
    over the edit graph, from the best architectures known and from uniform ones, climb the expected
    improvement on the model, and all that they meet is considered.

    A model can be sure and wrong: what it learned around a local optimum can make it rule out the
    place of the best. So after `patience` evaluations that bring nothing better it is set aside and
    a fresh one begins with uniform designs of its own, as trust regions are restarted by Eriksson
    et al. and by Wan et al.; what was evaluated before costs it nothing.

    The model (see `nas_agents.model_based.reward_model`) compares the choices of architectures and the walks
    through their graphs, by a kernel each; equivalent networks share the means of theirs. It sees neither
    parameters nor FLOPs, but where these are objectives. The policy that is handed out has the Q-values that
    planning on a model of all evaluations gives (see `nas_agents.model_based.planning.PlannedPolicy`).

    Sources: Sutton, "Dyna, an integrated architecture for learning, planning, and reacting", 1991;
    Jones et al., "Efficient global optimization of expensive black-box functions", 1998; Eriksson et
    al., "Scalable global optimization via local Bayesian optimization", 2019; Wan et al., "Think
    global and act local: Bayesian optimisation over high-dimensional categorical and mixed search
    spaces", 2021.

    Attributes:
        first: uniform designs before a model is used.
        patience: evaluations without a better one after which a fresh model begins; 0 for never. Of several
            objectives it counts nothing.
        near: one plan in so many is a single edit of the best architecture known; 0 for none. Of several
            objectives it is an edit of a network of the front, both drawn.
        smoothness, noise: what the model expects before it learns: how slowly rewards change over
            the space, and the part of their variance that nothing explains.
        walks: how much a walk counts in that, beside choices.
        depth: poor rewards are clipped so far below the median, as a part of how far the best is above it.
        growth: the model's hyperparameters are fitted again when the evaluations have grown by this
            factor.
        memory: evaluations that the model remembers at most.
        listed: size up to which all architectures of a space are considered.
        starts: best known architectures that simulated walks start from, and as many uniform ones.
        steps: simulated edits of a walk.
        edits: edits considered at a step of a walk.
        gamma: discount of the policy handed out.
        acquisition: of several objectives, see `nas_agents.model_based.front.FrontSearch`: ``"ehvi"``,
            expected hypervolume improvement, exact of two objectives, or ``"parego"``, the improvement of a
            Chebyshev scalarisation with weights drawn anew each time, which three and more have in any case.
        by_class: whether networks that compute the same share what the model compares them by, and those like
            an evaluated one are left for last. When a model is set aside, those like its best are evaluated
            all the same: training is noisy, and one of them may score better.
        pieces: whether the model compares the pieces of the graph that computes, too (Weisfeiler-Lehman).
            Every network is built for it before the search.
        batch: evaluations that are planned side by side, each as if those before it came out as expected; 0
            for as many as the executor has workers, and one without an executor.
        short: part of the full recipe that networks are trained before they are trained by it; what comes of
            it is another output of the model, and a network goes on only if it still promises most. None
            for full trainings alone.
        thrift: power of the expected seconds that a promise is divided by where the budget counts seconds; it
            falls to 0 as the budget is spent.
        proxies: names of proxies that the model compares networks by, too, of one objective; it learns which
            count and in which direction, see `nas_agents.model_based.proxy_features`. In a listed space all
            networks are measured before the search. None for none.
        warm_start: what the first designs of the first model are instead, of one objective, see
            `nas_agents.warm_start.starts`; None for uniform ones.
    """

    name = "model-based"
    access = "query"
    under_objectives = "front"
    # By benchmarks/quality/agents/model_based_tuning.py.
    tuned_on = ("conv-mnist1d", "mlp-mnist1d", "mlp-digits")

    first: int = 10
    patience: int = 45
    near: int = 3
    smoothness: float = 3.0
    noise: float = 0.1
    walks: float = 0.05
    depth: float = 1.0
    growth: float = 1.15
    memory: int = 500
    listed: int = 50_000
    starts: int = 5
    steps: int = 4
    edits: int = 24
    gamma: float = 0.9
    acquisition: str = "ehvi"
    by_class: bool = True
    pieces: bool = False
    batch: int = 1
    short: float | None = None
    thrift: float = 0.0
    proxies: list[str] | None = None
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        for name in ("first", "starts", "steps", "edits"):
            whole_number(name, getattr(self, name), at_least=1)
        whole_number("patience", self.patience, at_least=0)
        whole_number("near", self.near, at_least=0)
        whole_number("memory", self.memory, at_least=2)
        whole_number("listed", self.listed, at_least=0)
        within("smoothness", self.smoothness, 0.01, 100)
        within("noise", self.noise, 1e-4, 10)
        within("walks", self.walks, 1e-4, 10)
        within("depth", self.depth, 0, 10)
        within("growth", self.growth, 1, 10, above_low=True)
        whole_number("batch", self.batch, at_least=0)
        if self.short is not None:
            within("short", self.short, 0, 0.9, above_low=True)
        within("thrift", self.thrift, 0, 2)
        for name in ("by_class", "pieces"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} must be true or false, not {getattr(self, name)!r}")
        within("gamma", self.gamma, 0, 0.999)
        if self.acquisition not in ACQUISITIONS:
            raise unknown("acquisition of several objectives", self.acquisition, ACQUISITIONS)
        if self.proxies is not None and not (
            isinstance(self.proxies, list)
            and self.proxies
            and all(isinstance(each, str) for each in self.proxies)
        ):
            raise ConfigError(f"proxies must be a list of names like ['nwot'], not {self.proxies!r}")
        check_warm_start(self.warm_start)

    def model(self, features: Features) -> RewardModel:
        """Return a model that knows nothing yet."""
        return RewardModel(
            features,
            smoothness=self.smoothness,
            noise=self.noise,
            growth=self.growth,
            memory=self.memory,
            walks=self.walks,
            depth=self.depth,
        )

    def run(self, session: Session) -> None:
        # One thread: the matrices are small, and sums in another order would be other results.
        with threadpool_limits(limits=1):  # type: ignore[no-untyped-call]
            if session.objectives is not None:
                if self.proxies:
                    raise ConfigError("proxies of the model are for one objective: leave them out")
                FrontSearch(self, session).run()
            self._search(session)

    def _search(self, session: Session) -> None:
        trainings = Trainings(session, self.short)
        planner = overall = self._planner(trainings, session)
        while True:
            self._attempt(planner, overall, trainings, session)
            planner = self._planner(trainings, session)

    def _attempt(self, planner: Planner, overall: Planner, trainings: Trainings, session: Session) -> None:
        """Search on one model until it stagnates; `overall`, of the first, is told of all attempts."""
        space, known, rewards, stale = session.search_space, trainings.full, Rewards(), 0
        count = min(self.first, space.size - len(known))
        if self.warm_start is not None and not known:
            asked = take_distinct(starts(session, self.warm_start), count)
        else:
            asked = fresh_designs(session, planner.model.features, count, known)
        trainings.shortly(trainings.untried(asked))
        while not self.patience or stale < self.patience:
            untried = trainings.untried(asked)
            if untried:
                _tell(planner, overall, trainings.shortly(untried), short=trainings.distance)
            else:
                fresh = trainings.fully(asked)
                told = {each: known[each] for each in asked}
                better = max(told.values()) > max(rewards.values(), default=-np.inf)
                stale = 0 if better else stale + len(fresh)
                first, rewards = not rewards, rewards | told
                _tell(planner, overall, told, fresh)
                if first and trainings.epochs is not None:
                    designs = {each: trainings.short[each] for each in asked if each in trainings.short}
                    _tell(planner, overall, designs, short=trainings.distance)
            if session.policy is None:
                session.watch(PlannedPolicy(space, overall.expect, self.gamma, lambda: list(known)))
            asked = self._batch(planner, rewards, trainings, session)
        # What computes the same as the best may score better by chance, and is worth a look by now.
        twins = trainings.fully(planner.twins(best_first(rewards)[0]))
        if twins:
            overall.model.tell(list(twins), list(twins.values()))

    def _planner(self, trainings: Trainings, session: Session) -> Planner:
        """Return a planner whose model knows nothing yet."""
        if session.search_space.size <= self.listed:
            return ListedPlanner(self, trainings, session)
        return SimulatedPlanner(self, trainings, session)

    def _batch(
        self, planner: Planner, rewards: Rewards, trainings: Trainings, session: Session
    ) -> list[Architecture]:
        """Return what is evaluated next, side by side: each as if the others were as is expected of them."""
        count = min(self._width(session), session.search_space.size - len(rewards))
        number = len(rewards) + len(trainings.short)
        found = list[Architecture]()
        while len(found) < count:
            if found:
                planner.model.suppose(found[-1])
            is_near = self.near > 0 and (number + len(found)) % self.near == 0
            found.append(self._next(planner, rewards, found, session, is_near=is_near))
            if len(trainings.full) > len(rewards):
                found[-1] = paid_for(planner, found[-1], trainings.full, {*rewards, *found[:-1]})
        return found

    def _next(
        self,
        planner: Planner,
        rewards: Rewards,
        pending: list[Architecture],
        session: Session,
        *,
        is_near: bool,
    ) -> Architecture:
        if is_near:
            around = around_the_best(planner, session.search_space, rewards, pending)
            if around:
                return around[int(np.argmax(planner.promise(around)))]
        found = planner.anywhere(rewards, pending)
        if found is None:
            return fresh_designs(session, planner.model.features, 1, [*rewards, *pending])[0]
        return found

    def _width(self, session: Session) -> int:
        """Return how many networks are evaluated side by side."""
        if self.batch:
            return self.batch
        executor = session.unwrapped.evaluator.executor
        return 1 if executor is None else executor.size()


def _tell(
    planner: Planner, overall: Planner, told: Rewards, fresh: Rewards | None = None, *, short: float = 0.0
) -> None:
    """Tell a planner what architectures earned, and another one what of it is new, by default all."""
    planner.model.tell(list(told), list(told.values()), short)
    fresh = told if fresh is None else fresh
    if overall is not planner and fresh:
        overall.model.tell(list(fresh), list(fresh.values()), short)
