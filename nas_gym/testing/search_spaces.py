"""What holds for every search space."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from nas_gym.errors import NASGymError
from nas_gym.search_spaces import KEEP, SearchSpace
from nas_gym.testing.assertions import require, require_json

Space = SearchSpace[Any]
States = list[Any]

COUNTED = 2_000
"""Most architectures that are looked at one by one; a space up to this size is walked whole."""
NONSENSE = ("nonsense, and no architecture", "🙂", "a > b > c")


def check_search_space(space: Space, *, seed: int = 0, walks: int = 8, steps: int = 20) -> None:
    """Check a search space on its first and last architectures and on random walks of legal edits.

    It holds that

    - an architecture, its text and its number lead to each other, and a wrong text or number is refused;
    - action 0 is keep, edits have different words, and the mask says which of them are legal;
    - every architecture of a small space can be reached from every other by edits;
    - an observation is in the observation space, in fresh arrays, and no other architecture has it;
    - every assignment of the variables is an architecture, and those that are not active do not matter;
    - a sketch is a labelled graph, and every network leads from the input to the outputs;
    - a drawing shows every box of the sketch once, and its links lead on.

    Args:
        space: the search space, built.
        seed: seed of the walks.
        walks: number of walks; the first begins at the smallest architecture, the others anywhere.
        steps: number of edits of a walk.

    Raises:
        AssertionError: for the first property that does not hold, in one sentence.
    """
    rng = np.random.default_rng(seed)
    states = list(dict.fromkeys(_walked(space, rng, walks, steps)))
    _check_configuration(space)
    _check_actions(space)
    _check_texts_and_numbers(space, states)
    _check_the_first_architectures(space)
    _check_edits(space, states)
    _check_observations(space, states)
    _check_variables(space, states, rng)
    _check_samples(space, seed)
    _check_sketches(space, states)
    _check_drawings(space, states)
    _check_networks(space, states)
    _check_members(space)
    if space.size <= COUNTED:
        _check_connection(space)


def _walked(space: Space, rng: np.random.Generator, walks: int, steps: int) -> Iterable[Any]:
    yield space.architecture(0)
    yield space.architecture(space.size - 1)
    for walk in range(walks):
        state = space.sample(rng) if walk else space.smallest()
        yield state
        for _ in range(steps):
            state = space.apply(state, int(rng.choice(np.flatnonzero(space.mask(state)))))
            yield state


def _check_configuration(space: Space) -> None:
    config = space.config()
    require_json(config, "config() of the search space")
    require(isinstance(config.get("name"), str), f"config() must have the 'name' of the space, not {config}")
    require(space.size >= 2, f"a search space needs at least 2 architectures, not {space.size}")


def _check_actions(space: Space) -> None:
    require(space.actions[0] is KEEP, f"action 0 must be KEEP, not {space.actions[0]!r}")
    for edit in space.actions[1:]:
        require(edit.kind in ("add", "remove", "swap"), f"edit {edit!s} is of kind {edit.kind!r}")
    words = [str(edit) for edit in space.actions]
    twice = next((each for each in words if words.count(each) > 1), None)
    require(twice is None, f"two actions have the words {twice!r}")


def _check_texts_and_numbers(space: Space, states: States) -> None:
    for state in states:
        text = str(state)
        parsed = space.parse(text)
        require(parsed == state and hash(parsed) == hash(state), f"parse({text!r}) gives {str(parsed)!r}")
        number = space.index(state)
        require(0 <= number < space.size, f"index of {text!r} is {number}, outside range({space.size})")
        back = space.architecture(number)
        require(back == state, f"architecture({number}), the index of {text!r}, gives {str(back)!r}")
    for number in (-1, space.size, space.size + 1):
        try:
            found = space.architecture(number)
        except IndexError:
            continue
        raise AssertionError(f"architecture({number}) must raise IndexError, and gives {str(found)!r}")
    for text in NONSENSE:
        try:
            found = space.parse(text)
        except NASGymError as error:
            require(repr(text) in str(error), f"the error of parse({text!r}) must name the text: {error}")
            continue
        raise AssertionError(f"parse({text!r}) must raise a NASGymError, and gives {str(found)!r}")


def _check_the_first_architectures(space: Space) -> None:
    known: dict[str, int] = {}
    observed: dict[bytes, str] = {}
    for number, state in enumerate(itertools.islice(space, COUNTED)):
        text = str(state)
        require(text not in known, f"numbers {known.get(text)} and {number} have the text {text!r}")
        require(space.index(state) == number, f"architecture({number}) has the index {space.index(state)}")
        seen = np.concatenate(list(space.observe(state).values())).tobytes()
        require(seen not in observed, f"{observed.get(seen)!r} and {text!r} have the same observation")
        known[text], observed[seen] = number, text
    require(len(known) == min(space.size, COUNTED), f"the space has size {space.size} and gives {len(known)}")


def _check_edits(space: Space, states: States) -> None:
    for state in states:
        mask = space.mask(state)
        fits = mask.dtype == bool and mask.shape == (len(space.actions),)
        require(fits, f"mask of {str(state)!r} is {mask.dtype} of shape {mask.shape}")
        require(space.edited(state, 0) == state, f"action 0 must keep {str(state)!r}")
        reached = set()
        for action, legal in enumerate(mask):
            edit, after = space.actions[action], space.edited(state, action)
            says = "legal" if legal else "illegal"
            require((after is not None) == legal, f"'{edit}' of {str(state)!r} is {says} by its mask only")
            if action and legal:
                require(after != state, f"'{edit}' is legal and leaves {str(state)!r} as it is")
                reached.add(after)
        neighbours = set(space.neighbours(state))
        require(neighbours == reached, f"neighbours() of {str(state)!r} are not what its legal edits lead to")
        mask[:] = False
        require(space.mask(state)[0], f"mask() of {str(state)!r} must be a fresh array each time")


def _check_observations(space: Space, states: States) -> None:
    for state in states:
        observation = space.observe(state)
        inside = space.observation_space.contains(observation)
        require(inside, f"the observation of {str(state)!r} is outside observation_space: {observation}")
        for name, array in observation.items():
            dtype = space.observation_space[name].dtype
            require(array.dtype == dtype, f"{name!r} of an observation is {array.dtype}, expected {dtype}")
            require(array.ndim == 1, f"{name!r} of an observation has {array.ndim} dimensions, expected 1")
            array += 1
        for name, array in space.observe(state).items():
            fresh = (observation[name] - 1 == array).all()
            require(fresh, f"{name!r} of an observation must be a fresh array each time")


def _check_variables(space: Space, states: States, rng: np.random.Generator) -> None:
    counts = {name: len(variable.choices) for name, variable in space.variables.items()}
    for state in states:
        values = space.encode(state)
        require(
            list(values) == list(counts), f"encode({str(state)!r}) must give all variables in their order"
        )
        for name, value in values.items():
            require(0 <= value < counts[name], f"encode({str(state)!r}) gives {name} = {value}")
        require(space.decode(values) == state, f"decode(encode(a)) gives another one for {str(state)!r}")
        active = space.active_variables(state)
        require(active <= set(counts), f"active_variables({str(state)!r}) has unknown names")
        others = {name: int(rng.integers(count)) for name, count in counts.items() if name not in active}
        same = space.decode(values | others) == state
        require(same, f"variables that are not active change {str(state)!r}: {others}")
        drawn = space.decode({name: int(rng.integers(count)) for name, count in counts.items()})
        require(
            space.decode(space.encode(drawn)) == drawn, f"{str(drawn)!r} does not survive encode and decode"
        )


def _check_samples(space: Space, seed: int) -> None:
    one, other = (space.sample(np.random.default_rng(seed)) for _ in range(2))
    require(one == other, f"sample() draws {str(one)!r} and {str(other)!r} from one seed")


def _check_sketches(space: Space, states: States) -> None:
    for state in states:
        sketch, name = space.sketch(state), f"the sketch of {str(state)!r}"
        ends = (sketch.boxes[0], sketch.boxes[-1])
        require(ends == ("input", "output"), f"{name} must lead from 'input' to 'output', not {ends}")
        require(len(sketch.box_codes) == len(sketch.boxes), f"{name} needs a code for each box")
        require(len(sketch.link_codes) == len(sketch.links), f"{name} needs a code for each link")
        require(len(sketch.box_kinds) == len(sketch.boxes), f"{name} needs a kind, or None, for each box")
        require(len(sketch.box_layers) == len(sketch.boxes), f"{name} needs a layer, or '', for each box")
        for code in sketch.box_codes:
            require(0 <= code < space.num_box_codes, f"{name} has the box code {code}")
        for kind in sketch.box_kinds:
            require(kind is None or kind >= 0, f"{name} has the box kind {kind}")
        for code in sketch.link_codes:
            require(0 <= code < space.num_link_codes, f"{name} has the link code {code}")
        for source, target, _ in sketch.links:
            require(0 <= source < target < len(sketch.boxes), f"{name} has a link from {source} to {target}")
        pairs = {link[:2] for link in sketch.links}
        require(len(pairs) == len(sketch.links), f"{name} has two links between the same boxes")


def _check_drawings(space: Space, states: States) -> None:
    for state in states:
        drawing, name = space.drawing(state), f"the drawing of {str(state)!r}"
        ends = (drawing.boxes[0].label, drawing.boxes[-1].label)
        require(ends == ("input", "output"), f"{name} must lead from 'input' to 'output', not {ends}")
        shown = Counter(drawing.numbers)
        for number, label in enumerate(space.sketch(state).boxes):
            require(
                shown[number] == 1,
                f"{name} shows box {number} of the sketch, {label!r}, {shown[number]} times",
            )
        for link in drawing.links:
            there = {link.source, link.target} <= set(range(len(drawing.boxes)))
            leads = (link.source < link.target) != (link.kind == "state")
            require(there and leads, f"{name} has a link from {link.source} to {link.target}")


def _check_networks(space: Space, states: States) -> None:
    expected = (space.input_shape, (space.outputs,))
    for state in states[:20]:
        network = space.network(state)
        shapes = (network.input_shape, network.output_shape)
        require(shapes == expected, f"the network of {str(state)!r} has shapes {shapes}, expected {expected}")


def _check_members(space: Space) -> None:
    for name, member in space.members().items():
        require(space.resolve(name) == member, f"resolve({name!r}) gives another one than members()")
        require(space.parse(str(member)) == member, f"the text of the member {name!r} leads elsewhere")


def _check_connection(space: Space) -> None:
    after = {state: set(space.neighbours(state)) for state in space}
    before: dict[Any, set[Any]] = {state: set() for state in after}
    for state, neighbours in after.items():
        for neighbour in neighbours:
            before[neighbour].add(state)
    start = space.smallest()
    for graph, sentence in ((after, "cannot be reached from"), (before, "cannot be led back to")):
        seen = frontier = {start}
        while frontier:
            frontier = set().union(*(graph[state] for state in frontier)) - seen
            seen = seen | frontier
        lost = next((str(state) for state in after if state not in seen), None)
        require(lost is None, f"{lost!r} {sentence} the smallest architecture {str(start)!r} by edits")
