"""What holds for the cells of NAS-Bench-101."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas_gym.errors import NASGymError
from nas_gym.evaluators import make_evaluator
from nas_gym.search_spaces.graph.paths import distances_from
from nas_gym.search_spaces.nasbench101.architecture import (
    OPERATIONS,
    GraphCell,
    cell_of_matrix,
    graph_hash,
    pruned,
    trimmed,
)
from nas_gym.search_spaces.nasbench101.distance import fewest_edits
from nas_gym.search_spaces.nasbench101.indexing import whole_graphs
from nas_gym.search_spaces.nasbench101.network import vertex_channels
from nas_gym.search_spaces.nasbench101.space import NASBench101Space
from nas_gym.tasks import make_task

from .test_network import arrays, batch_of, module_of

CONV3, CONV1, POOL = OPERATIONS
# The cell of the module 00005c142e6f48ac74fdcf73e3439874, the first one of the published file.
FIRST = [
    [0, 1, 0, 0, 1, 1, 0],
    [0, 0, 1, 0, 0, 0, 0],
    [0, 0, 0, 1, 0, 0, 1],
    [0, 0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0],
]
FIRST_OPERATIONS = (CONV3, POOL, CONV3, CONV3, CONV1)


@pytest.fixture(scope="module")
def space() -> NASBench101Space:
    """The published cells in the published skeleton."""
    return NASBench101Space((3, 32, 32), 10, channels=128, stacks=3, cells=3)


@pytest.fixture(scope="module")
def five() -> NASBench101Space:
    """The cells of up to five vertices."""
    return NASBench101Space((1, 8), 3, vertices=5)


@pytest.fixture(scope="module")
def two() -> NASBench101Space:
    """The cells of up to five vertices with one of two operations on each."""
    return NASBench101Space((1, 8), 3, vertices=5, operations=[CONV1, POOL], edges=7)


def every_matrix(vertices: int) -> itertools.product:
    return itertools.product((0, 1), repeat=vertices * (vertices - 1) // 2)


def edges_of(bits: tuple[int, ...], vertices: int) -> list[tuple[int, int]]:
    return list(itertools.compress(itertools.combinations(range(vertices), 2), bits))


def is_whole(edges: list[tuple[int, int]], vertices: int) -> bool:
    """Whether every vertex is reached from the first and leads to the last, by powers of the matrix."""
    matrix = np.eye(vertices, dtype=int)
    for edge in edges:
        matrix[edge] = 1
    ways = np.linalg.matrix_power(matrix, vertices)
    return bool(ways[0].all() and ways[:, -1].all())


def test_the_size_is_the_number_of_matrices_without_loose_vertices_and_their_operations(
    space: NASBench101Space, five: NASBench101Space
) -> None:
    counted = sum(
        3 ** (vertices - 2)
        for vertices in range(2, 6)
        for bits in every_matrix(vertices)
        if sum(bits) <= 9 and is_whole(edges_of(bits, vertices), vertices)
    )
    assert five.size == counted == 3364
    assert len(set(five)) == five.size
    assert space.size == 1_293_208


def test_the_hash_and_the_parameters_are_those_published(space: NASBench101Space) -> None:
    first = cell_of_matrix(FIRST, FIRST_OPERATIONS)
    assert first is not None
    assert space.isomorphism_class(first) == "00005c142e6f48ac74fdcf73e3439874"
    assert space.network(first).parameters == 8_555_530
    # The cell that the benchmark's authors show as an example.
    assert space.network(space.members()["inception"]).parameters == 2_694_282


def canonical(cell: GraphCell) -> tuple[object, ...]:
    """The least of the forms that renumbering its inner vertices gives a cell."""
    forms = []
    for order in itertools.permutations(range(1, cell.output)):
        number = {vertex: place for place, vertex in enumerate((0, *order, cell.output))}
        edges = sorted((number[i], number[j]) for i, j in cell.edges)
        forms.append((tuple(cell.operations[vertex - 1] for vertex in order), tuple(edges)))
    return min(forms)


def test_cells_have_one_hash_exactly_if_they_are_isomorphic(five: NASBench101Space) -> None:
    classes: dict[str, set[tuple[object, ...]]] = {}
    inner: dict[str, int] = {}
    for cell in five:
        classes.setdefault(graph_hash(cell), set()).add(canonical(cell))
        inner[graph_hash(cell)] = cell.inner
    assert all(len(forms) == 1 for forms in classes.values())
    assert len({form for forms in classes.values() for form in forms}) == len(classes)
    # Those of five vertices and fewer of the 423,624 published ones.
    assert Counter(inner.values()) == {0: 1, 1: 6, 2: 84, 3: 2441}


def cycles(order: tuple[int, ...]) -> int:
    """How many cycles a permutation has."""
    found, left = 0, set(range(len(order)))
    while left:
        found += 1
        place = left.pop()
        while order[place] in left:
            place = order[place]
            left.remove(place)
    return found


def classes_of(inner: int) -> int:
    """How many cells with so many inner vertices differ, by Burnside's lemma on each graph that differs."""
    size = inner + 2
    codes = whole_graphs(size, 9)
    matrices = np.zeros((len(codes), size, size), dtype=np.int64)
    for source, target in itertools.combinations(range(size), 2):
        matrices[:, source, target] = codes >> target * (target - 1) // 2 + source & 1
    weights = 2 ** np.arange(size * size, dtype=np.int64).reshape(size, size)
    keys = (matrices * weights).sum((1, 2))
    least, fixed, symmetries = keys.copy(), np.zeros(len(keys)), np.zeros(len(keys))
    for order in itertools.permutations(range(inner)):
        places = [0, *(1 + place for place in order), size - 1]
        moved = (matrices[:, places][:, :, places] * weights).sum((1, 2))
        least = np.minimum(least, moved)
        symmetries += moved == keys
        fixed += (moved == keys) * 3 ** cycles(order)
    _, first = np.unique(least, return_index=True)
    return int((fixed[first] / symmetries[first]).sum())


def test_as_many_cells_differ_as_were_published() -> None:
    counts = [classes_of(inner) for inner in range(6)]
    assert counts[:4] == [1, 6, 84, 2441]  # those that the hash tells apart
    assert sum(counts) == 423_624


def test_pruning_leaves_what_lies_on_a_way_whatever_else_there_is() -> None:
    for bits in every_matrix(5):
        edges = edges_of(bits, 5)
        matrix = np.eye(5, dtype=int)
        for edge in edges:
            matrix[edge] = 1
        ways = np.linalg.matrix_power(matrix, 5)
        kept = [vertex for vertex in range(5) if ways[0, vertex] and ways[vertex, 4]]
        cell = pruned((CONV3, CONV1, POOL), edges)
        if 0 not in kept:
            assert cell is None
            continue
        assert cell is not None
        assert cell.operations == tuple(OPERATIONS[vertex - 1] for vertex in kept[1:-1])
        assert cell.edges == sorted(
            ((kept.index(i), kept.index(j)) for i, j in edges if i in kept and j in kept),
            key=lambda edge: edge[::-1],
        )


def test_a_cell_with_too_many_edges_keeps_its_vertices_where_it_can() -> None:
    full = pruned((CONV1,) * 5, itertools.combinations(range(7), 2))
    assert full is not None
    left = trimmed(full, 9)
    assert (left.inner, len(left.edges)) == (5, 9)
    star = pruned((CONV1,) * 5, [edge for vertex in range(1, 6) for edge in ((0, vertex), (vertex, 6))])
    assert star is not None
    assert str(trimmed(star, 9)) == str(
        pruned((CONV1,) * 4, [edge for vertex in range(1, 5) for edge in ((0, vertex), (vertex, 5))])
    )


def expected_edits(cell: GraphCell, words: str, most: tuple[int, int]) -> object:
    """What an edit gives, written another way than the space's: by its words, on sets, and by powers."""
    edges, operations, output = set(cell.edges), list(cell.operations), cell.output
    verb, what, *rest = words.split()
    end = {"output": output}
    if what == "edge":
        source, target = rest[0].split("-")
        edge = (int(source), end.get(target) or int(target))
        if (
            (target != "output" and edge[1] >= output)
            or edge[0] >= output
            or (verb == "add") == (edge in edges)
        ):
            return None
        edges ^= {edge}
    elif verb == "swap":
        vertex, operation = int(rest[0]), rest[2]
        if vertex >= output or operations[vertex - 1] == operation:
            return None
        operations[vertex - 1] = operation
    elif verb == "remove":
        vertex = int(rest[0])
        if vertex >= output:
            return None
        del operations[vertex - 1]
        edges = {(i - (i > vertex), j - (j > vertex)) for i, j in edges if vertex not in (i, j)}
    else:
        vertex, source, target = int(rest[2]), int(rest[4]), rest[6]
        if vertex > output or (target != "output" and int(target) > output):
            return None
        operations.insert(vertex - 1, what)
        edges = {(i + (i >= vertex), j + (j >= vertex)) for i, j in edges}
        edges |= {(source, vertex), (vertex, output + 1 if target == "output" else int(target))}
    vertices = len(operations) + 2
    if vertices > most[0] or len(edges) > most[1] or not is_whole(sorted(edges), vertices):
        return None
    return tuple(operations), frozenset(edges)


def test_an_edit_is_legal_exactly_if_what_comes_of_it_is_a_cell(two: NASBench101Space) -> None:
    assert len(two.actions) == 1 + 10 + 2 * 10 + 10 + 3 + 2 * 3
    for index in range(0, two.size, 7):
        cell = two.architecture(index)
        for action, edit in enumerate(two.actions[1:], start=1):
            found = two.edited(cell, action)
            made = None if found is None else (found.operations, frozenset(found.edges))
            assert made == expected_edits(cell, str(edit), (5, 7)), (str(cell), str(edit))


def test_the_published_space_has_168_edits(space: NASBench101Space) -> None:
    kinds = Counter((edit.kind, edit.aspect) for edit in space.actions[1:])
    assert kinds == {
        ("add", "edge"): 21,
        ("add", "operation"): 35 * 3,
        ("remove", "edge"): 21,
        ("remove", "vertex"): 5,
        ("swap", "operation"): 15,
    }


@pytest.mark.parametrize(("vertices", "edges"), [(3, 4), (4, 5), (5, 6), (6, 7)])
def test_edits_lead_from_every_graph_to_every_other_at_the_fewest_edges(vertices: int, edges: int) -> None:
    space = NASBench101Space((1, 8), 2, operations=[POOL], vertices=vertices, edges=edges)
    after = {cell: set(space.neighbours(cell)) for cell in space}
    before: dict[GraphCell, set[GraphCell]] = {cell: set() for cell in after}
    for cell, neighbours in after.items():
        for neighbour in neighbours:
            before[neighbour].add(cell)
    for graph in (after, before):
        seen = frontier = {space.smallest()}
        while frontier:
            frontier = set().union(*(graph[cell] for cell in frontier)) - seen
            seen = seen | frontier
        assert len(seen) == space.size


def test_no_way_is_shorter_than_the_fewest_edits(two: NASBench101Space) -> None:
    cells = list(two)
    exact = 0
    for start in (two.smallest(), two.architecture(two.size // 2), two.architecture(two.size - 1)):
        distances = distances_from(two, start, 20)
        assert len(distances) == two.size
        bounds = {cell: fewest_edits(start, cell) for cell in cells[::5]}
        assert all(bound <= distances[cell] for cell, bound in bounds.items())
        exact += sum(bound == distances[cell] for cell, bound in bounds.items())
        for cell in cells[::150]:
            path = two.shortest_path(start, cell)
            assert path is not None
            assert len(path) == distances[cell]
    assert exact > 0.8 * 3 * len(cells[::5])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv3x3-bn-relu(0)", "must end with its output"),
        ("conv3x3-bn-relu(0) > output(0)", "vertex 1, which does not lead to the output"),
        ("conv3x3-bn-relu(1) > output(1)", r"has \(1,\) before vertex 1"),
        ("conv3x3-bn-relu(0) > output(1,0)", r"has \(1, 0\) before vertex 2"),
        ("conv3x3(0) > output(1)", "did you mean 'conv3x3-bn-relu'"),
        ("conv3x3-bn-relu(0) > output()", "write it like"),
        (" > ".join([*[f"{POOL}({number})" for number in range(6)], "output(6)"]), "8 vertices and 7 edges"),
    ],
)
def test_a_text_that_is_no_cell_is_refused(space: NASBench101Space, text: str, message: str) -> None:
    with pytest.raises(NASGymError, match=message) as caught:
        space.parse(text)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vertices": 8}, "from 3 to 7"),
        ({"vertices": 5, "edges": 5}, "more than its 5 vertices"),
        ({"channels": 4}, "at least 5"),
        ({"stacks": 0}, "stacks of"),
        ({"operations": ["conv5x5"]}, "unknown operation in the nasbench101 space"),
    ],
)
def test_a_bad_option_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(NASGymError, match=message):
        NASBench101Space((3, 32, 32), 10, **options)  # type: ignore[arg-type]


def test_rows_of_a_table_are_no_input() -> None:
    with pytest.raises(NASGymError, match="the nasbench101 space needs signals"):
        NASBench101Space((30,), 10)


def test_members_are_there_where_the_limits_allow_them() -> None:
    assert set(NASBench101Space((1, 8), 2, vertices=5).members()) == {"resnet"}
    assert not NASBench101Space((1, 8), 2, operations=[POOL]).members()


def test_channels_are_shared_at_the_output_and_handed_back_from_it(space: NASBench101Space) -> None:
    cell = space.parse(f"{POOL}(0) > {CONV1}(0,1) > {CONV3}(2) > {CONV3}(1) > output(0,2,3,4)")
    # 11 channels for vertices 2, 3 and 4; vertex 1 leads to 2 and to 4.
    assert vertex_channels(cell, 11) == [4, 4, 4, 3]
    assert vertex_channels(space.smallest(), 11) == []


def reference(cell: GraphCell, x: Tensor, layers: list[nn.Module], channels: int) -> Tensor:
    """One cell as the paper describes it, with the layers in the order that they are made in."""
    unused = iter(layers)
    widths = vertex_channels(cell, channels)

    def conv_bn_relu(value: Tensor) -> Tensor:
        conv, norm = next(unused), next(unused)
        return F.relu(norm(conv(value)))

    values = [x]
    for vertex, width in enumerate(widths, start=1):
        sources = cell.sources[vertex - 1]
        terms = [values[source][:, :width] for source in sources if source]
        terms += [conv_bn_relu(x)] if 0 in sources else []
        total = torch.stack(terms).sum(0)
        pools = cell.operations[vertex - 1] == POOL
        values.append(F.max_pool2d(total, 3, 1, 1) if pools else conv_bn_relu(total))
    last = [values[source] for source in cell.sources[-1] if source]
    ends = [torch.cat(last, 1)] if last else []
    ends += [conv_bn_relu(x)] if 0 in cell.sources[-1] else []
    return torch.stack(ends).sum(0)


@pytest.mark.parametrize(
    "text",
    [
        "output(0)",
        f"{CONV3}(0) > {CONV3}(1) > output(0,2)",
        f"{POOL}(0) > {CONV1}(0,1) > {CONV3}(2) > {CONV3}(1) > output(0,2,3,4)",
        f"{CONV1}(0) > {POOL}(1) > {CONV3}(1,2) > {POOL}(0,3) > {CONV1}(1) > output(4,5)",
    ],
)
def test_a_cell_computes_what_the_papers_network_does(text: str) -> None:
    space = NASBench101Space((3, 6, 9), 4, channels=7, stacks=2, cells=1)
    cell = space.parse(text)
    module = module_of(space, cell)
    found = arrays(module)
    layers: list[nn.Module] = []
    for conv, norm in zip(found["conv"], found["batch_norm"], strict=True):
        out, into, kernel, _ = conv["weight"].shape
        layers += [nn.Conv2d(into, out, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(out)]
        layers[-2].weight.data = conv["weight"]  # type: ignore[union-attr]
        layers[-1].load_state_dict(
            {
                "weight": norm["weight"],
                "bias": norm["bias"],
                "running_mean": norm["mean"],
                "running_var": norm["variance"],
            },
            strict=False,
        )
    for layer in layers:
        layer.eval()
    stem, rest = layers[:2], layers[2:]
    x = batch_of(space, 3)
    value = F.relu(stem[1](stem[0](x)))
    value = reference(cell, value, rest[: len(rest) // 2], 7)
    value = reference(cell, F.max_pool2d(value, 2, ceil_mode=True), rest[len(rest) // 2 :], 14)
    (head,) = found["linear"]
    expected = value.mean((2, 3)) @ head["weight"].T + head["bias"]
    torch.testing.assert_close(module(x), expected)


def test_cells_train_on_images() -> None:
    data = make_task({"name": "digits", "train_size": 400, "validation_size": 300})
    space = NASBench101Space(data.input_shape, data.outputs)
    spec = {"name": "train", "recipe": {"epochs": 3, "batch_size": 25}}
    evaluator = make_evaluator(spec, space, data, device="cpu", store="memory")
    cells = [space.members()["resnet"], space.parse(f"{CONV1}(0) > {POOL}(0,1) > output(1,2)")]
    for evaluation in evaluator.evaluate_architectures(cells):
        assert evaluation.status == "ok"
        assert evaluation.score > 0.16


def test_a_description_tells_every_vertex_and_where_it_reads(space: NASBench101Space) -> None:
    assert space.describe(space.parse(f"{CONV1}(0) > {POOL}(0,1) > output(1,2)")).words == (
        "a cell with 2 vertices: vertex 1 is a convolution of width 1 of the input; vertex 2 is a maximum "
        "over windows of 3 of the input and vertex 1; its output is of vertex 1 and vertex 2 together"
    )
