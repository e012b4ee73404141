"""What a search by gradients is doing while it goes on, and whether it collapses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from nas_agents.one_shot.collapse import is_sharp, mean, risen_from
from nas_agents.one_shot.removal import agreement, losses_without
from nas_gym.networks import Blend, candidates, chosen, reads_input
from nas_gym.training import MixtureTraining, hessian

if TYPE_CHECKING:
    from torch import Tensor

    from nas_agents.one_shot.search import SharedSearch
    from nas_agents.one_shot.search_state import Alpha
    from nas_gym.search_spaces import Architecture

READINGS = 25
"""Readings of a search, about; one an epoch where there are fewer epochs."""
CURVED_EXAMPLES = 64
"""Validation examples that the Hessian is taken on: always the first, so that readings are comparable."""
DEGENERATE = 2 / 3
"""Share of the places with both kinds in which candidates without weights lead in a collapsed choice:
4 of the 6 edges of a cell. On NAS-Bench-201 no cell with 4 skips of 6 reaches 93.5 on CIFAR-10."""
FIRM = 2.0
"""Times the uniform weight from which a candidate leads firmly. Who leads by less is often chance."""
LOST = 3
"""Readings in a row without a way through the choice from which it counts as collapsed."""


OF_COURSE = ("_leads", "_since", "_without_way", "_judged")
"""What a reading is judged by, of those before it; `_judged` are their numbers."""
DRAWN = (
    *("entropy", "skips", "zeros", "free_weight", "mixture_score", "choice_score", "gap", "changes"),
    "eigenvalue",
)


@dataclass(frozen=True)
class Reading:
    """The state of a search by gradients at the end of an epoch.

    Attributes:
        epoch: epochs so far.
        share: share of the search that is over.
        weights: weights of the candidates of each variable.
        choice: text of the architecture of the heaviest.
        decided: of each variable the epoch since which its choice leads, and by how much it leads.
        entropy: mean entropy of the weights, as a share of the largest.
        skips, zeros: variables in which a candidate leads that passes on what comes in, or is zero.
        free_weight: mean weight, by variable that has candidates with trainable numbers and without, of those
            without; None where there is no such variable, so that nothing can collapse towards them.
        mixture_score, choice_score: validation score of the mixture, and of its choice by the same weights.
        gap: the one less the other.
        changes: variables whose choice is another than at the reading before.
        eigenvalue: largest eigenvalue of the Hessian of the validation loss by alpha; None if not finite.
        sharp: whether RobustDARTS' rule would stop the search, see `nas_agents.one_shot.collapse.is_sharp`.
        degenerate: whether the choice has collapsed: for three readings no way led through it, or in two
            thirds of the places that have both, candidates without weights lead firmly, at the end of the
            search by however little.
        warning: what is going wrong, in words; "" for nothing.
        without: at the end of the search, what the score of the mixture falls by without each candidate of
            each variable; None before.
        agreement: of each variable Spearman's correlation of the weights with that, None where it has none;
            None before the end.
    """

    epoch: int
    share: float
    weights: Mapping[str, list[float]]
    choice: str
    decided: Mapping[str, tuple[int, float]]
    entropy: float
    skips: int
    zeros: int
    free_weight: float | None
    mixture_score: float
    choice_score: float
    gap: float
    changes: int
    eigenvalue: float | None
    sharp: bool
    warning: str
    degenerate: bool = False
    without: Mapping[str, list[float]] | None = None
    agreement: Mapping[str, float | None] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict of all attributes."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def scalars(self, names: Mapping[str, Sequence[str]]) -> dict[str, float]:
        """Return what TensorBoard draws, by tag.

        Args:
            names: the candidates of each variable, in words.
        """
        numbers = {name: getattr(self, name) for name in DRAWN}
        drawn = {f"one_shot/{name}": float(value) for name, value in numbers.items() if value is not None}
        for variable, row in self.weights.items():
            pairs = zip(names[variable], row, strict=True)
            drawn |= {f"one_shot_weights/{variable}/{candidate}": value for candidate, value in pairs}
        # One number a place, since all of them are a single dot each; the report has the others.
        drawn |= {f"one_shot_without/{variable}": max(row) for variable, row in (self.without or {}).items()}
        known = [value for value in (self.agreement or {}).values() if value is not None]
        if known:
            drawn["one_shot/agreement"] = mean(known)
        return drawn


@dataclass
class Diagnosis:
    """Reads a search now and then, and says when it collapses towards candidates without weights.

    What it computes is no part of the cost of the search, and `flops` says how much it was.

    Args:
        shared: the search.
        net: the shared weights.
        weights: from alpha by variable to weights of candidates.
        alpha: the logits.
        stops: whether the search ends at the first warning.

    Attributes:
        readings: so far.
        choice_before: the choice at the last reading before the first warning that a way leads through; the
            choice before the first reading if there is none such.
        flops: floating-point operations of all readings.
    """

    shared: SharedSearch
    net: MixtureTraining
    weights: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
    alpha: Alpha
    stops: bool = False
    readings: list[Reading] = field(default_factory=list)
    flops: float = 0.0

    def __post_init__(self) -> None:
        self._kinds = {
            name: [candidate.kind for candidate in each]
            for name, each in candidates(self.net.network).items()
            if name in self.shared.space.variables
        }
        # Places in which a candidate without weights can win over one with weights.
        self._contested = [
            name for name, kinds in self._kinds.items() if 0 < kinds.count("weights") < len(kinds)
        ]
        variables = self.shared.space.variables
        self._names = {name: [str(each) for each in variables[name].choices] for name in self._kinds}
        self._leads: dict[str, int] = {}
        self._since: dict[str, int] = {}
        self._without_way = 0  # readings in a row without a way through the choice
        self._judged: list[int] = []
        rows = self.weights(self.alpha.rows())
        # Where the first reading warns: not the first candidates, which may all be nothing.
        self.choice_before: Architecture = self._architecture(
            {name: int(rows[name].argmax()) for name in self._kinds}
        )
        self._warned = False

    def look(self) -> Reading | None:
        """Read the search, record the reading and return it; None if none is due."""
        due = (len(self.readings) + 1) / READINGS
        if self.net.share < min(due, 1.0):
            return None
        rows = {name: row.detach() for name, row in self.weights(self.alpha.rows()).items()}
        reading = self._reading(rows)
        if self.net.finished or (self.stops and reading.warning):
            reading = self._completed(reading, rows)
        self._warned |= bool(reading.warning)
        if not self._warned and not self._without_way:
            self.choice_before = self._architecture(self._leads)
        self._judged.append(len(self.readings))
        self.readings.append(reading)
        scalars = reading.scalars(self._names)
        scalars["one_shot/diagnosis_trainings"] = self.flops / self.shared.training
        self.shared.read(reading.as_dict(), scalars, reading.epoch)
        return reading

    @property
    def sound(self) -> bool:
        """Whether the last reading did not warn, and a way led through its choice."""
        return bool(self.readings) and not self.readings[-1].warning and not self._without_way

    def course(self) -> str:
        """Return, as a text, what the next reading is judged by."""
        return json.dumps({name: getattr(self, name) for name in OF_COURSE})

    def go_back(self, course: str) -> None:
        """Judge the next reading as if those since a `course` had not been; they stay on record."""
        for name, value in json.loads(course).items():
            setattr(self, name, value)

    def state(self) -> dict[str, Any]:
        """Return what a later process needs to go on, as texts and numbers."""
        readings = [reading.as_dict() for reading in self.readings]
        return {
            "readings": json.dumps(readings),
            "course": self.course(),
            "choice_before": str(self.choice_before),
            "warned": self._warned,
            "flops": self.flops,
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.readings = [Reading(**reading) for reading in json.loads(state["readings"])]
        self.go_back(state["course"])
        self.choice_before = self.shared.space.parse(state["choice_before"])
        self._warned, self.flops = state["warned"], state["flops"]

    def _architecture(self, leads: Mapping[str, int]) -> Architecture:
        space = self.shared.space
        fixed = dict.fromkeys(space.variables, 0) | space.outside_mixture()
        found: Architecture = space.decode(fixed | dict(leads))
        return found

    @property
    def _before(self) -> list[Reading]:
        """The readings that the next one is judged by."""
        return [self.readings[number] for number in self._judged]

    def _reading(self, all_rows: Mapping[str, Tensor]) -> Reading:
        epoch = self.net.trace.epochs
        # Mixtures that are no variables of the space, such as those of the edges of a node, stay as they are.
        rows = {name: row for name, row in all_rows.items() if name in self._kinds}
        leads = {name: int(row.argmax()) for name, row in rows.items()}
        changes = sum(self._leads.get(name, lead) != lead for name, lead in leads.items())
        for name, lead in leads.items():
            if self._leads.get(name) != lead:
                self._since[name] = epoch
        self._leads = leads
        all_leads = {name: int(row.argmax()) for name, row in all_rows.items()}
        reads = reads_input(chosen(self.net.network, all_leads))
        self._without_way = 0 if reads else self._without_way + 1
        free_leads = self._leads_without_weights(rows)
        kinds = [self._kinds[name][lead] for name, lead in leads.items()]
        free = [self._free_weight(name, rows[name]) for name in self._contested]
        free_weight = mean(free) if free else None
        blends = {name: Blend(row) for name, row in all_rows.items()}
        mixed = _finite(self.net.measured(blends))
        single = blends | {
            name: Blend(F.one_hot(row.argmax(), len(row)).to(row.dtype), (leads[name],))
            for name, row in rows.items()
        }
        alone = _finite(self.net.measured(single))
        self.flops += self.net.validation_examples * (self.net.flops(blends) + self.net.flops(single))
        eigenvalue = self._eigenvalue()
        sharp = is_sharp([*(each.eigenvalue for each in self._before), eigenvalue])
        skips, zeros = kinds.count("skip"), kinds.count("zero")
        return Reading(
            epoch=epoch,
            share=self.net.share,
            weights={name: row.tolist() for name, row in rows.items()},
            choice=str(self._architecture(leads)),
            decided={name: (self._since[name], _lead(row)) for name, row in rows.items()},
            entropy=mean([_entropy(row) for row in rows.values()]),
            skips=skips,
            zeros=zeros,
            free_weight=free_weight,
            mixture_score=mixed,
            choice_score=alone,
            gap=mixed - alone,
            changes=changes,
            eigenvalue=eigenvalue,
            sharp=sharp,
            warning=self._warning(free_leads, free_weight, grows_sharp=sharp),
            degenerate=self._without_way >= LOST or self._dominated(free_leads),
        )

    def _dominated(self, free_leads: int) -> bool:
        """Return whether candidates without weights lead in two thirds of the places that have both kinds."""
        return bool(self._contested) and free_leads >= DEGENERATE * len(self._contested)

    def _completed(self, reading: Reading, rows: Mapping[str, Tensor]) -> Reading:
        """Return the last reading with what the mixture loses without each candidate."""
        lost, flops = losses_without(self.net, rows, list(self._kinds), reading.mixture_score)
        self.flops += flops
        agreeing = {name: agreement(reading.weights[name], losses) for name, losses in lost.items()}
        return replace(reading, without=lost, agreement=agreeing)

    def _leads_without_weights(self, rows: Mapping[str, Tensor]) -> int:
        least = 0.0 if self.net.finished else FIRM
        return sum(
            self._kinds[name][self._leads[name]] != "weights"
            and float(rows[name].max()) * len(rows[name]) > least
            for name in self._contested
        )

    def _free_weight(self, name: str, row: Tensor) -> float:
        pairs = zip(self._kinds[name], row.tolist(), strict=True)
        return float(sum(weight for kind, weight in pairs if kind != "weights"))

    def _eigenvalue(self) -> float | None:
        """Return the largest eigenvalue of the Hessian by alpha, which is exact: alpha is short."""
        data = self.shared.data
        x, y = data.x_validation[:CURVED_EXAMPLES], data.y_validation[:CURVED_EXAMPLES]
        batch = self.net.batch_of(x, y)

        def loss(flat: Tensor) -> Tensor:
            rows = self.weights(self.alpha.rows(flat))
            blends = {name: Blend(row) for name, row in rows.items()}
            self.flops += 3 * len(x) * self.net.flops(blends) * (1 + 2 * len(flat))
            return self.net.loss(batch, blends, counted=False)

        matrix = hessian(loss, self.alpha.flat).double()
        if not bool(torch.isfinite(matrix).all()):
            return None
        return float(torch.linalg.eigvalsh((matrix + matrix.T) / 2)[-1])

    def _warning(self, free_leads: int, free_weight: float | None, *, grows_sharp: bool) -> str:
        """Return what is going wrong, a sentence each; "" for nothing."""
        count, signs, found = len(self._contested), list[str](), list[str]()
        if self._without_way >= LOST:
            signs.append("no way leads from the input to the output of its choice")
        if self._dominated(free_leads):
            firmly = "" if self.net.finished else "firmly "
            signs.append(f"candidates without weights lead {firmly}in {free_leads} of {count} places")
        weights = [each.free_weight for each in self._before if each.free_weight is not None]
        low = None if free_weight is None else risen_from([*weights, free_weight])
        if low is not None:
            signs.append(f"candidates without weights rose from {low:.3f} to {free_weight:.3f} of the weight")
        if signs:
            found.append(
                f"The search collapses: {'; '.join(signs)}. What it would choose now may be worse than a "
                "network drawn at random: stop earlier (when_collapsing='stop'), or search with drnas or "
                "beta-darts."
            )
        if grows_sharp:
            found.append(
                "The search grows sharp, by the rule of RobustDARTS: the validation loss bends ever more "
                "with the architecture weights, so that the choice may score much less than the mixture."
            )
        return " ".join(found)


def _entropy(row: Tensor) -> float:
    positive = row[row > 0]
    return float(-(positive * positive.log()).sum()) / math.log(len(row))


def _finite(score: float) -> float:
    return score if math.isfinite(score) else 0.0


def _lead(row: Tensor) -> float:
    first, second = row.topk(2).values.tolist()
    return float(first - second)
