"""What is worked out for all members at once is what each of them would give alone."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from nas_gym.networks import Network, NetworkBuilder, Operation, Shape, initial_weights
from nas_gym.training import ChunkTraining, Keep, Member
from nas_gym.training.program.grouping import schedule
from nas_gym.training.program.initial import FEW, InitialWeights
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.reduced_graph import graph_of
from nas_gym.training.program.templates import NOT_KNOWN, Templates
from nas_gym.training.program.values import Values
from tests.helpers.networks import RECIPE, SPACES, make_data, make_space, operation_networks, random_members

SHAPES: tuple[Shape, ...] = ((1, 40), (3, 13), (2, 7, 5))


class OwnStart(Operation):
    """Does nothing, with a parameter that nothing reads, drawn normally."""

    def parameter_shapes(self, node):  # type: ignore[no-untyped-def]
        return {"weight": (3,)}

    def initial(self, node, name, generator):  # type: ignore[no-untyped-def]
        return torch.empty(3, dtype=torch.float32).normal_(generator=generator)

    def is_identity(self, node):  # type: ignore[no-untyped-def]
        return True


def assert_initial(members: list[Member]) -> None:
    """Every weight that training touches is the one that `initial_weights` draws."""
    values = Values(member.network for member in members)
    parameters = Parameters(schedule(values), torch.device("cpu"))
    InitialWeights(members, values).load(parameters)
    found = parameters.states()
    compared = 0
    for m, member in enumerate(members):
        for full_name, expected in initial_weights(member.network, member.seed):
            number, _, name = full_name.partition("_")
            if (m, int(number)) in found:
                assert torch.equal(found[m, int(number)][name], expected)
                compared += 1
    assert compared >= 2 * len(members)


@pytest.mark.parametrize("name", SPACES)
def test_members_start_at_the_weights_of_their_seeds(name: str) -> None:
    networks = [member.network for member in random_members(make_space(name), 3 * FEW)]
    assert_initial([Member(network, 7) for network in networks])
    assert_initial([Member(network, number % 2) for number, network in enumerate(networks)])
    # Some seeds have few members, some have many.
    assert_initial([Member(network, max(0, number - 2 * FEW)) for number, network in enumerate(networks)])
    assert_initial([Member(networks[0], 2**62)])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_operation_starts_at_the_weights_of_its_seed(shape: Shape) -> None:
    assert_initial([Member(network, 3) for network in operation_networks(shape).values()])


def test_an_operation_that_draws_in_a_way_of_its_own_moves_what_follows() -> None:
    def network(own: bool) -> Network:
        builder = NetworkBuilder((6,))
        node = builder.operation(OwnStart(), builder.input) if own else builder.input
        return builder.build(builder.linear(builder.linear(node, 5), 3))

    members = [Member(network(own=number % 2 == 0), 0) for number in range(4 * FEW)]
    assert_initial(members)
    drawn = Values(member.network for member in members).drawn
    assert (drawn == NOT_KNOWN).sum() == len(drawn) // 2
    assert ChunkTraining(members, make_data((6,), classes=3), RECIPE, Keep())


@pytest.mark.parametrize("name", SPACES)
def test_values_read_what_the_graph_of_their_network_says(name: str) -> None:
    networks = [member.network for member in random_members(make_space(name), 30)]
    values, graphs = Values(networks), [graph_of(network) for network in networks]
    for group in schedule(values):
        for position, (sources, places) in enumerate(group.sources):
            for (m, number), source, place in zip(group.values, sources, places, strict=True):
                assert values.members[source] == m
                read = int(values.numbers[source])
                assert read == graphs[m].nodes[number].inputs[position]
                assert graphs[m].consumers[read][place] == (number, position)
    for m, graph in enumerate(graphs):
        assert values.numbers[values.outputs[m]] == graph.output


def test_nodes_of_a_group_compute_the_same() -> None:
    networks = [member.network for member in random_members(make_space("cell on signals"), 30)]
    for group in schedule(Values(networks)):
        nodes = [group.node, *(networks[m].nodes[number] for m, number in group.values)]
        assert (
            len({(node.operation, node.function, node.shape, node.kernel, node.stride) for node in nodes})
            == 1
        )


def test_equal_parts_merge_in_one_network_and_not_in_another_of_its_layers() -> None:
    """Two activations of one input are one node where they are equal."""

    def network(functions: tuple[str, str]) -> Network:
        builder = NetworkBuilder((6,))
        node = builder.linear(builder.input, 5)
        node = builder.add(*(builder.activation(node, function) for function in functions))
        return builder.build(builder.linear(node, 3))

    networks = [network(functions) for functions in (("relu", "tanh"), ("relu", "relu"), ("tanh", "relu"))]
    assert [len(template.members) for template in Templates(networks)] == [2, 1]
    sizes = Counter(Values(networks).members.tolist())
    assert sizes[1] == sizes[0] - 1 == sizes[2] - 1


def test_a_whole_space_has_few_forms() -> None:
    space = make_space("mlp")
    networks = [space.network(architecture) for architecture in space]
    assert len(list(Templates(networks))) < len(networks) / 30
