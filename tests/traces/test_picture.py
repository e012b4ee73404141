"""Pictures of a run: files that others read, letters that tell texts apart, colours as Matplotlib's."""

from __future__ import annotations

import io
import itertools
from typing import ClassVar

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from PIL import Image

from nas_gym.envs.rendering import FILLS, MARK, PLAIN, draw
from nas_gym.networks import NetworkBuilder
from nas_gym.search_spaces import ChoiceSpace, make_search_space
from nas_gym.traces.tensorboard.architecture_picture import (
    BOX_WIDTH,
    FIRST_GROUND,
    PAPER_GROUND,
    PLAIN_GROUND,
    WIDEST,
    architecture_picture,
)
from nas_gym.traces.tensorboard.colours import colours, levels, shades
from nas_gym.traces.tensorboard.picture import SHADES, Picture, label, line_height, png, ramp, stacked
from tests.search_spaces.conftest import built


def opened(content, mode):
    return np.asarray(Image.open(io.BytesIO(content)).convert(mode))


def test_a_picture_is_the_file_of_its_pixels():
    rng = np.random.default_rng(0)
    picture = Picture(rng.integers(0, 7, (31, 50), dtype=np.uint8), ramp((255, 0, 0), (0, 0, 255), 7))
    assert (opened(picture.png(), "RGB") == picture.pixels()).all()


@pytest.mark.parametrize(("channels", "mode"), [(3, "RGB"), (4, "RGBA")])
def test_pixels_are_the_same_in_their_file(channels, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 33, channels), dtype=np.uint8)
    assert (opened(png(pixels), mode) == pixels).all()


def test_labels_tell_texts_apart_and_share_one_height():
    texts = ["relu-64", "relu-16", "tanh-64 > relu-64", "conv → pool", "größer", "", "層"]
    labels = [label(text) for text in texts]
    assert {ink.shape[0] for ink in labels} == {line_height()}
    assert len({ink.tobytes() for ink in labels}) == len(texts)
    assert labels[2].shape[1] > labels[0].shape[1] > labels[5].shape[1]


def test_stacked_pictures_stand_one_below_the_other_on_paper():
    palette = ramp((255, 255, 255), (0, 0, 0), 4)
    both = stacked(
        [Picture(np.full((2, 3), 3, np.uint8), palette), Picture(np.full((1, 5), 2, np.uint8), palette)]
    )
    assert both.indices.tolist() == [[3, 3, 3, 0, 0], [3, 3, 3, 0, 0], [2, 2, 2, 2, 2]]


def test_the_colours_are_nearly_those_of_viridis():
    values = np.linspace(-1, 3, 1000)
    expected = mpl.colormaps["viridis"]((values + 1) / 4, bytes=True)[:, :3].astype(int)
    assert np.abs(colours()[levels(values, 256)] - expected).max() < 30
    assert (shades(2) == colours()[[0, -1]]).all()
    assert levels(np.array([0.5, np.nan, 0.5]), 9).tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["mlp", "conv", "cell", "macro", "tabular"])
def test_an_architecture_has_a_box_for_each_layer_and_a_title(name):
    space = make_search_space(name, (3, 32, 32), 10)
    rng = np.random.default_rng(1)
    for _ in range(10):
        architecture = space.sample(rng)
        picture = architecture_picture(space, architecture, "accuracy 0.5")
        boxes, _ = space.drawing(architecture).row
        grounds = picture.indices // SHADES
        changes = [np.diff((grounds != 0).astype(int), axis=axis) for axis in (0, 1)]
        found = [max((line == 1).sum() for line in each) for each in (changes[0].T, changes[1])]
        assert found in ([1, len(boxes)], [len(boxes), 1])  # lying, or upright where that is too wide
        assert picture.indices.shape[1] <= WIDEST or name == "cell"
        assert (picture.pixels()[: 2 * line_height()] < 128).any()


# The fill of each box: the number of its kind, None for a plain one.
KINDS = {
    "mlp": ("relu-64 > identity-16 > tanh-64 > relu-16", [None, 0, 3, 2, 0, None]),
    "conv": ("sep3-16-relu > max_pool > conv3-32-tanh", [None, 2, 3, 0, None]),
    "tabular": (
        "plain, no_norm, dropout_0, chain: relu-32 > tanh-128",
        [None, None, 0, 1, None, None, None, None],
    ),
    "macro": ("01200000", [None, None, 0, 1, 2, 0, 0, 0, 0, 0, None]),
    "cell": ("resnet", [None, None, None, None]),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_box_is_filled_by_what_its_layer_is_in_frames_and_pictures_alike(name):
    space = make_search_space(name, (3, 32, 32), 10)
    text, kinds = KINDS[name]
    architecture = space.resolve(text)
    picture = architecture_picture(space, architecture, "")
    grounds = picture.indices // SHADES
    lines = [*grounds, *grounds.T]
    middle = lines[int(np.argmax([len(list(itertools.groupby(line.tolist()))) for line in lines]))]
    row = [ground for ground, _ in itertools.groupby(middle.tolist())]
    boxes = [PLAIN_GROUND if kind is None else FIRST_GROUND + kind for kind in kinds]
    assert [ground for ground in row if ground != PAPER_GROUND] == boxes
    patches = draw(space, architecture).axes[0].patches
    fills = [to_hex(patch.get_facecolor()) for patch in patches if isinstance(patch, FancyBboxPatch)]
    assert fills == [PLAIN if kind is None else FILLS[kind] for kind in kinds]
    assert [to_hex(picture.palette[SHADES * (1 + ground)] / 255) for ground in range(1 + len(FILLS))] == [
        PLAIN,
        *FILLS,
    ]


@pytest.mark.parametrize(
    ("key", "text", "words", "label"),
    [
        (
            "graph",
            "plain_edges, sum, last, layer_norm: gcn-32",
            "swap normalisation to layer_norm",
            "layer_norm",
        ),
        ("graph", "plain_edges, max, last, no_norm: gcn-32", "swap readout to max", "max, last"),
        (
            "graph",
            "plain_edges, sum, last, no_norm: gcn-32 > gat-16",
            "swap operation of layer 2 to gat",
            "gat-16",
        ),
        ("choices of one's own", "width=8, activation=relu, repeats=1", "swap width to 8", "width-8"),
        ("asr_cell on frames", "conv5 > linear > conv7", "swap node 3 to conv7", "conv7"),
    ],
)
def test_the_last_edit_is_marked_where_it_acts(key, text, words, label):
    space = built(key)
    (edit,) = [edit for edit in space.actions if edit.words == words]
    axes = draw(space, space.parse(text), edit).axes[0]
    boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    marked = [number for number, box in enumerate(boxes) if to_hex(box.get_edgecolor()) == MARK]
    (number,) = marked
    assert axes.texts[number].get_text() == label.replace("-", "\n", 1)


def test_frames_and_pictures_have_an_arrow_for_each_link_of_a_drawing():
    space = built("seq2seq")
    text = "width_32, gru_encoder, encoder_depth_2, heads_2: transformer-all"
    drawing = space.drawing(space.parse(text))
    arrows = [
        one for one in draw(space, space.parse(text)).axes[0].patches if isinstance(one, FancyArrowPatch)
    ]
    assert len(arrows) == len(drawing.links)
    dashed = [arrow for arrow in arrows if arrow.get_linestyle() == "dashed"]
    assert len(dashed) == sum(link.kind == "attention" for link in drawing.links) == 2
    both = [
        architecture_picture(space, space.parse(each), "") for each in (text, text.replace("all", "last"))
    ]
    assert (both[0].pixels() < 128).sum() > (both[1].pixels() < 128).sum()


class Labelled(ChoiceSpace):
    name = "tests.traces.test_picture:Labelled"
    choices: ClassVar = {"layer": ("layer", "relu"), "relu": ("layer", "relu")}

    def network(self, architecture):
        builder = NetworkBuilder(self.input_shape)
        return builder.build(builder.linear(builder.flatten(builder.input), self.outputs))


def test_the_words_of_a_box_do_not_choose_its_colour():
    space = Labelled((1, 4), 2)
    grounds = architecture_picture(space, space.smallest(), "").indices // SHADES
    assert grounds.max() == PLAIN_GROUND


def test_layers_of_one_kind_have_one_colour_and_titles_differ():
    space = make_search_space("mlp", (1, 40), 10)
    first = architecture_picture(space, space.parse("relu-64 > tanh-16 > relu-16"), "accuracy 0.5")
    grounds = first.indices // SHADES
    middle = grounds[first.indices.shape[0] - BOX_WIDTH // 3]
    assert len({ground for ground in middle.tolist() if ground >= FIRST_GROUND}) == 2
    second = architecture_picture(space, space.parse("relu-64 > tanh-16 > relu-16"), "accuracy 0.6")
    assert (first.indices != second.indices).any()
