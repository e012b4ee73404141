"""What holds for the chains of NAS-Bench-Macro."""

from __future__ import annotations

import csv
import gzip

import pytest
import torch
from torch import Tensor, nn

from nas_gym.errors import NASGymError
from nas_gym.evaluators import make_evaluator
from nas_gym.search_spaces.macro import LAYERS, Macro, MacroSpace
from nas_gym.tasks import make_task
from tests.helpers.data.shared_data import NASBENCH_MACRO, shared_file

from .test_network import arrays, batch_of, copy_parts, module_of


@pytest.fixture(scope="module")
def space() -> MacroSpace:
    return MacroSpace((3, 32, 32), 10)


def test_there_are_three_to_the_eighth_chains_and_24_edits(space: MacroSpace) -> None:
    assert space.size == 6561
    assert len(space.actions) == 25
    assert str(space.smallest()) == "00000000"
    assert all(len(space.neighbours(space.architecture(index))) == 16 for index in (0, 3280, 6560))


def test_an_edit_swaps_the_block_of_one_layer(space: MacroSpace) -> None:
    words = [str(action) for action in space.actions]
    edited = space.edited(space.parse("22212202"), words.index("swap layer 4 to identity"))
    assert str(edited) == "22202202"
    assert space.edited(space.parse("22212202"), words.index("swap layer 4 to mb3_k3")) is None


@pytest.mark.parametrize("text", ["", "2221220", "222122022", "22212203", "2221220x", "22212²02"])
def test_a_text_that_is_no_chain_is_refused(space: MacroSpace, text: str) -> None:
    with pytest.raises(NASGymError, match="write 8 digits of 0, 1 and 2") as caught:
        space.parse(text)
    assert repr(text) in str(caught.value)


def test_identities_inside_a_stage_may_move_without_changing_the_network(space: MacroSpace) -> None:
    same = {space.isomorphism_class(space.parse(text)) for text in ("10120201", "10120210", "10120201")}
    assert len(same) == 1
    moved = space.parse(same.pop())
    assert space.network(moved).parameters == space.network(space.parse("10120201")).parameters
    assert space.isomorphism_class(space.parse("01120201")) != space.isomorphism_class(
        space.parse("10120201")
    )


def test_there_are_3969_networks_up_to_isomorphism(space: MacroSpace) -> None:
    # 3 x 3 chains of the first stage, 3 x (1 + 2 + 4) of each other.
    assert len({space.isomorphism_class(chain) for chain in space}) == 9 * 21 * 21


def test_parameters_and_flops_are_those_of_the_published_networks(space: MacroSpace) -> None:
    named = {"00000000", "22222222", "11111111", "22212202"}
    with gzip.open(shared_file(NASBENCH_MACRO), "rt") as file:
        rows = list(csv.DictReader(file))
    for row in (row for number, row in enumerate(rows) if number % 97 == 0 or row["architecture"] in named):
        network = space.network(space.parse(row["architecture"]))
        assert network.parameters == int(row["params"])
        assert network.flops == 2 * int(row["flops"])  # a multiply-add counts as one there


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018, figure 4) with plain relu."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int, kernel: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.shortcut = stride == 1 and inputs == outputs
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + x if self.shortcut else self.layers(x)


def reference(chain: Macro, channels: int, head: int, inputs: int) -> nn.Module:
    """The network of the paper's table, of PyTorch's own layers."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    ]
    for number, block in enumerate(chain.blocks):
        stride = 2 if number in (0, 2, 5) else 1
        if block:
            expansion, kernel = ((3, 3), (6, 5))[block - 1]
            layers.append(InvertedResidual(channels, channels * stride, stride, expansion, kernel))
        elif stride == 2:
            convolution = nn.Conv2d(channels, 2 * channels, 1, stride, bias=False)
            layers += [convolution, nn.BatchNorm2d(2 * channels)]
        channels *= stride
    layers += [nn.Conv2d(channels, head, 1, bias=False), nn.BatchNorm2d(head), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(head, 10)]
    return nn.Sequential(*layers).eval()


@pytest.mark.parametrize("text", ["00000000", "22222222", "01201120", "10020012"])
def test_a_chain_computes_what_the_papers_network_does(text: str) -> None:
    space = MacroSpace((3, 9, 12), 10, channels=3, head=8)
    module = module_of(space, space.parse(text))
    written = reference(space.parse(text), 3, 8, 3)
    copy_parts(arrays(module), written)
    x = batch_of(space, 3)
    torch.testing.assert_close(module(x), written(x))


@pytest.mark.parametrize("task", ["mnist1d", "digits"])
def test_chains_train_on_signals_and_images(task: str) -> None:
    data = make_task({"name": task, "train_size": 400, "validation_size": 300})
    space = MacroSpace(data.input_shape, data.outputs, channels=4, head=16)
    spec = {"name": "train", "recipe": {"epochs": 5, "batch_size": 25}}
    evaluator = make_evaluator(spec, space, data, device="cpu", store="memory")
    for evaluation in evaluator.evaluate_architectures([space.smallest(), space.parse("21012012")]):
        assert evaluation.status == "ok"
        assert evaluation.score > 0.16


@pytest.mark.parametrize(
    ("options", "message"), [({"channels": 0}, "channels of the macro space"), ({"head": 1.5}, "head of")]
)
def test_a_bad_option_is_named(options: dict[str, float], message: str) -> None:
    with pytest.raises(NASGymError, match=message):
        MacroSpace((3, 32, 32), 10, **options)  # type: ignore[arg-type]


def test_rows_of_a_table_are_no_input() -> None:
    with pytest.raises(NASGymError, match="the macro space needs signals"):
        MacroSpace((30,), 10)


def test_a_chain_has_eight_layers(space: MacroSpace) -> None:
    assert len(space.variables) == LAYERS == 8


BLOCKS = ["identity", "mb3_k5", "mb6_k3_se"]
SQUEEZE = "squeeze_excitation"


class Squeezed(nn.Module):
    """Squeeze and excitation of layers of `torch.nn`."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(channels, squeezed), nn.ReLU(), nn.Linear(squeezed, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        weights = self.layers(x.mean(dim=tuple(range(2, x.ndim))))
        return x * weights.reshape(*weights.shape, *(1 for _ in x.shape[2:]))


@pytest.mark.parametrize("shape", [(2, 9, 12), (2, 11)], ids=["image", "signal"])
def test_blocks_may_weight_their_channels(shape: tuple[int, ...]) -> None:
    space = MacroSpace(shape, 10, channels=3, head=8, blocks=BLOCKS)
    plain = MacroSpace(shape, 10, channels=3, head=8, blocks=["identity", "mb3_k5", "mb6_k3"])
    chain = space.parse("01200020")
    network, without = space.network(chain), plain.network(chain)
    hidden = 6 * 6, 6 * 24
    added = sum(2 * channels * (channels // 4) + channels + channels // 4 for channels in hidden)
    assert network.parameters == without.parameters + added
    module = module_of(space, chain)
    state = module.state_dict()
    weighted = [number for number, node in enumerate(network.nodes) if node.operation.name == SQUEEZE]
    assert [network.nodes[number].shape[0] for number in weighted] == list(hidden)
    for number in weighted:
        node = network.nodes[number]
        own = Squeezed(node.shape[0], node.shape[0] // 4)
        for written, name in zip(own.parameters(), node.parameter_shapes, strict=True):
            written.data.copy_(state[f"{number}_{name}"])
        x = torch.randn(3, *node.shape)
        torch.testing.assert_close(module.compute(number, node, [x]), own(x))


def test_other_blocks_are_in_the_configuration_and_the_benchmarks_are_not(space: MacroSpace) -> None:
    assert space.config() == {"name": "macro", "channels": 32, "head": 1280}
    other = MacroSpace((1, 40), 10, blocks=BLOCKS)
    assert other.config()["blocks"] == BLOCKS
    assert "and squeeze and excitation" in other.describe(other.parse("00200000")).words


def test_an_unknown_block_is_refused_with_the_nearest() -> None:
    with pytest.raises(NASGymError, match="did you mean 'mb3_k3_se'"):
        MacroSpace((3, 32, 32), 10, blocks=["identity", "mb3_k3se"])
    two = MacroSpace((3, 32, 32), 10, blocks=["identity", "mb3_k3"])
    with pytest.raises(NASGymError, match="write 8 digits of 0 and 1, like '11111101'"):
        two.parse("22212202")


def test_members_are_chains_of_mobilenets_as_far_as_there_are_their_blocks() -> None:
    def members(blocks: list[str]) -> dict[str, str]:
        made = MacroSpace((1, 16, 16), 3, channels=4, head=8, blocks=blocks)
        return {name: str(member) for name, member in made.members().items()}

    assert members(["identity", "mb3_k3", "mb6_k5"]) == {"mobilenet_v2": "11111111"}
    every = ["mb3_k3", "mb6_k3", "mb3_k5_se", "mb6_k5_se"]
    assert members(every) == {"mobilenet_v2": "11111111", "mobilenet_v3": "11333333"}
    assert members(["mb3_k5_se", "mb3_k3"]) == {"mobilenet_v2": "11111111", "mobilenet_v3": "11000000"}
    assert members(["identity", "mb6_k5"]) == {}
