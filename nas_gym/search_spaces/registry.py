"""Search spaces: one file each; adding one is adding a file and a line to `SEARCH_SPACES`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from nas_gym.errors import ConfigError
from nas_gym.networks import Shape
from nas_gym.registry import build, lookup, options_of
from nas_gym.search_spaces.asr_cell.space import AsrCellSpace
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.cell.space import CellSpace
from nas_gym.search_spaces.checking import check_space
from nas_gym.search_spaces.conv.space import ConvSpace
from nas_gym.search_spaces.forecaster.space import ForecasterSpace
from nas_gym.search_spaces.graph_network.space import GraphSpace
from nas_gym.search_spaces.macro import MacroSpace
from nas_gym.search_spaces.mlp import MLPSpace
from nas_gym.search_spaces.nasbench101.space import NASBench101Space
from nas_gym.search_spaces.nasbench_graph import NASBenchGraphSpace
from nas_gym.search_spaces.recurrent.cell import RecurrentCellSpace
from nas_gym.search_spaces.recurrent.layers import RecurrentSpace
from nas_gym.search_spaces.seq2seq.space import Seq2SeqSpace
from nas_gym.search_spaces.tabular.ft_transformer import FTTransformerSpace
from nas_gym.search_spaces.tabular.space import TabularSpace
from nas_gym.search_spaces.transformer.space import TransformerSpace

SEARCH_SPACES: dict[str, type[SearchSpace[Any]]] = {
    "mlp": MLPSpace,
    "conv": ConvSpace,
    "cell": CellSpace,
    "macro": MacroSpace,
    "nasbench101": NASBench101Space,
    "tabular": TabularSpace,
    "ft_transformer": FTTransformerSpace,
    "graph": GraphSpace,
    "nasbench_graph": NASBenchGraphSpace,
    "recurrent": RecurrentSpace,
    "recurrent_cell": RecurrentCellSpace,
    "seq2seq": Seq2SeqSpace,
    "transformer": TransformerSpace,
    "forecaster": ForecasterSpace,
    "asr_cell": AsrCellSpace,
}

MUST_TAKE = {
    "vocabulary": "examples of tokens",
    "edge_kinds": "examples that are graphs",
    "positions": "an answer at each position",
}
"""What a space cannot do without knowing, in words."""

# Spaces that passed the check, by identity: whether two are equal is a part of what is checked.
_checked: WeakValueDictionary[int, SearchSpace[Any]] = WeakValueDictionary()


def make_search_space(
    spec: str | Mapping[str, Any] | SearchSpace[Any],
    input_shape: Shape,
    outputs: int,
    facts: Mapping[str, Any] | None = None,
) -> SearchSpace[Any]:
    """Build a search space from its name, a dict with ``"name"`` and options, or a space as it is.

    A space of the user's own is checked by a few of its architectures, see `check_space`.

    Args:
        spec: the name, dict or space.
        input_shape: shape of one example of the task.
        outputs: number of values that a network gives for one example.
        facts: what the task tells of examples and answers (`nas_gym.tasks.Task.facts`), which a space takes
            as its options where they are not named; None for nothing.

    Raises:
        NASGymError: if the name or an option is unknown, the options do not fit, the space does not read what
            the task gives, has fewer than two architectures, or does not pass the check.
    """
    told = dict(facts or {})
    if isinstance(spec, SearchSpace):
        _check_complete(spec)
        if (spec.input_shape, spec.outputs) != (tuple(input_shape), outputs):
            raise ConfigError(
                f"the search space is built for input shape {spec.input_shape} and {spec.outputs} "
                f"outputs, the task has {tuple(input_shape)} and {outputs}: build it for the task's"
            )
        space = spec
    else:
        options = options_of("search space", spec)
        name = options.pop("name", None)
        factory = lookup("search space", name, SEARCH_SPACES)
        takes = getattr(factory, "takes", ())
        options = {option: value for option, value in told.items() if option in takes} | options
        space = build(factory, "search space", options, tuple(input_shape), outputs)
        if not isinstance(space, SearchSpace):
            raise ConfigError(
                f"{name!r} is no search space: derive it from nas_gym.search_spaces.SearchSpace"
            )
        _check_complete(space)
    _check_reads(space, told)
    if space.size < 2:
        raise ConfigError(
            f"the search space has {space.size} architecture, a search needs at least 2: widen its options"
        )
    if type(space) not in SEARCH_SPACES.values() and id(space) not in _checked:
        check_space(space)
        _checked[id(space)] = space
    return space


def _check_reads(space: SearchSpace[Any], told: Mapping[str, Any]) -> None:
    """Check that a space knows what the task gives otherwise than as plain numbers."""
    for fact, words in MUST_TAKE.items():
        if fact in told and fact not in space.takes:
            fitting = [
                name for name, each in SEARCH_SPACES.items() if all(m in each.takes for m in _needed(told))
            ]
            passed = f"pass {' or '.join(fitting)}" if fitting else "derive one that does"
            raise ConfigError(
                f"the {space.name} space knows nothing of {words}, which the task has: {passed}"
            )


def _needed(told: Mapping[str, Any]) -> list[str]:
    return [fact for fact in MUST_TAKE if fact in told]


def _check_complete(space: SearchSpace[Any]) -> None:
    # Of a property its class is asked: that of observations needs Gymnasium, which a light install has not.
    missing = [
        name
        for name in SearchSpace.__annotations__
        if not (hasattr(type(space), name) or name in vars(space))
    ]
    if missing:
        raise ConfigError(
            f"the search space {type(space).__name__} has no {', no '.join(missing)}: set what the class "
            "SearchSpace documents"
        )
