"""The drawing of the found network: every box, every link, and the marked choices where they are."""

from __future__ import annotations

import itertools
from contextlib import nullcontext

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from nas_gym.explain import read_evidence
from nas_gym.explain.report import style
from nas_gym.explain.report.svg import Canvas, cut_off, drawn, laid_out
from nas_gym.explain.sections.alternatives.section import explain_alternatives
from nas_gym.explain.sections.summary.badges import Mark
from nas_gym.explain.sections.summary.drawing import network_figure
from nas_gym.explain.sections.summary.figures import drawing_of, place_of
from nas_gym.explain.sections.summary.layout import lanes_of
from nas_gym.explain.sections.summary.reasons import Reason, reasons_for
from nas_gym.explain.sections.summary.section import summarise
from nas_gym.search_spaces import LINK_WORDS, MARK_WORDS, make_search_space
from tests.helpers.explain.runs import recorded, walked
from tests.search_spaces.conftest import CATALOGUE, built


def parts_of(figure):
    """The boxes, arrows and texts of a drawing."""
    with style.set_style():
        canvas = Canvas(figsize=figure.size)
        figure.draw(canvas)
    (axes,) = canvas.axes
    boxes = [one for one in axes.patches if isinstance(one, FancyBboxPatch)]
    arrows = [one for one in axes.patches if isinstance(one, FancyArrowPatch)]
    return boxes, arrows, [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mlp", (30,)),
        ("conv", (1, 8, 8)),
        ("macro", (3, 16, 16)),
        ("tabular", (30,)),
        ("ft_transformer", (30,)),
        ("forecaster", (2, 32)),
        ("recurrent", (2, 32)),
        ("transformer", (2, 32)),
    ],
)
def test_the_layers_of_boxes_are_those_of_the_network(name, shape):
    space, rng = make_search_space(name, shape, 7), np.random.default_rng(0)
    for architecture in (space.sample(rng) for _ in range(5)):
        layers = {node.layer for node in space.network(architecture).nodes}
        missing = {box.layer for box in space.drawing(architecture).boxes} - {""} - layers
        assert all(layer.endswith(" identity") for layer in missing)  # which is no node


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_layer_every_link_and_every_choice_is_drawn(key):
    space = built(key)
    for architecture in (space.sample(np.random.default_rng(1)), space.smallest()):
        drawing = space.drawing(architecture)
        figure = network_figure(space, architecture, (), "7 classes")
        boxes, arrows, texts = parts_of(figure)
        assert len(boxes) == len(drawing.boxes)
        kinds = {link.kind for link in drawing.links} - {""}
        assert len(arrows) == len(drawing.links) + len(kinds)  # and one of each kind in the key
        assert "output: 7 classes" in " ".join(texts)
        page = " ".join(texts)
        for words in (
            *(LINK_WORDS[kind] for kind in kinds),
            *(MARK_WORDS[box.mark] for box in drawing.boxes if box.mark),
        ):
            assert page.count(words) == 1
        for note in drawing.notes:
            assert page.count(f"{note.title}: {note.words}") == 1
        assert space.describe(architecture).words in figure.alternative
        weights = sum(node.parameters for node in space.network(architecture).nodes)
        assert f"{weights:,} trained weight" in figure.caption


DRAWN = {
    "conv on images": "conv3-16-relu > max_pool > sep3-32-tanh > conv5-32-relu + skip 0-2 + skip 1-4",
    "cell on images": "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|avg_pool_3x3~2|",
    "recurrent on tokens": "embedding_16, both_ways, mean_state, dropout_0.2, residual: gru-16 > lstm-16",
    "seq2seq": "width_32, both_ways_encoder, encoder_depth_2, heads_2: gru-all > transformer-all",
    "recurrent cell, the next token": "tanh of 0, relu of 1, sigmoid of 0",
    "asr_cell on frames": "conv5+0 > zero+0+1 > conv7d2+0+2",
    "tabular, columns": "periodic, embedded, batch_norm, dropout_0.1, residual: relu-32 > tanh-32 > silu-128",
    "transformer on tokens": "attention-4-conv3-layer > identity > feedforward-64-gelu-layer",
    "forecaster": "average-5 > linear > trend-64 > gru-8",
    "graph": "edge_vectors, sum, concat, layer_norm: gcn-32 > fc-32 > gat-32",
    "nasbench_graph": "shape=0012, node 1=gcn, node 2=gat, node 3=skip, node 4=fc",
    "macro on images": "01201201",
    "nasbench101 on images": "conv1x1-bn-relu(0) > maxpool3x3(0,1) > maxpool3x3(2) > output(1,3)",
    "choices of one's own": "width=8, activation=tanh, repeats=2",
}


@pytest.mark.parametrize("is_narrow", [True, False], ids=["phone", "page"])
@pytest.mark.parametrize("key", DRAWN)
def test_nothing_of_a_drawing_is_cut_off_or_lies_on_something_else(key, is_narrow):
    space = built(key)
    architecture = space.parse(DRAWN[key])
    last = len(space.sketch(architecture).boxes) - 2
    marks = [Mark((1,), "first", "why"), Mark((last,), "last", "why"), Mark((), "depth", "why")]
    figure = network_figure(space, architecture, marks, "10 classes")
    with style.set_style(), style.set_narrow_style() if is_narrow else nullcontext():
        canvas = laid_out(figure, is_narrow=is_narrow)
        assert cut_off(canvas) == []
        (axes,) = canvas.axes
        boxes = [one.get_window_extent() for one in axes.patches if isinstance(one, FancyBboxPatch)]
        words = [one for one in axes.texts if one.get_text() and not one.get_text().isdigit()]
        extents = [text.get_window_extent() for text in words]
    edge = canvas.bbox
    assert all(edge.x0 < one.x0 and one.x1 < edge.x1 for one in (*boxes, *extents))
    for one, other in itertools.combinations(extents, 2):
        assert not one.padded(-1.5).overlaps(other.padded(-1.5))
    for box in boxes:
        inside = [one for one in extents if box.y0 < one.y0 + one.height / 2 < box.y1 and one.x0 < box.x1]
        assert any(box.x0 <= one.x0 and one.x1 <= box.x1 for one in inside)
    assert min(text.get_fontsize() for text in words) >= 6
    # Each mark is at its place and at its note.
    assert all(sum(text.get_text() == number for text in axes.texts) == 2 for number in "123")


def test_boxes_and_marks_stay_on_the_picture_and_boxes_do_not_touch():
    space = make_search_space("conv", (1, 8, 8), 10)
    architecture = space.parse(
        "conv3-16-relu > max_pool > sep3-32-tanh > conv5-32-relu + skip 0-2 + skip 1-4"
    )
    marks = [Mark((0, 2), "skip 0-2", "why"), Mark((3,), "layer 3", "why"), Mark((), "depth", "why")]
    figure = network_figure(space, architecture, marks, "10 classes")
    boxes, arrows, texts = parts_of(figure)
    extents = [box.get_path().get_extents(box.get_patch_transform()) for box in boxes]
    assert all(above.y1 < below.y0 for above, below in itertools.pairwise(extents))
    extents += [arrow.get_path().get_extents() for arrow in arrows]
    assert min(min(one.x0, one.y0) for one in extents) > 0
    assert max(one.y1 for one in extents) < figure.size[1]
    # Each number is at its place and at its note.
    assert all(texts.count(number) == 2 for number in "123")


DEEP = (
    "conv3-16-relu > sep3-32-relu > max_pool > conv3-32-tanh > conv5-32-relu > conv3-32-relu > "
    "sep3-16-relu > conv3-16-relu > max_pool > conv3-32-relu "
    "+ skip 0-4 + skip 1-5 + skip 2-9 + skip 3-10 + skip 5-7"
)


def test_links_that_pass_the_same_box_go_in_different_lanes():
    links = [(source, target) for target in range(9) for source in range(target - 1)]
    lanes = lanes_of(links)
    for one, other in itertools.combinations(links, 2):
        assert lanes[one] != lanes[other] or one[1] <= other[0] or other[1] <= one[0]
    assert lanes_of([(0, 2), (2, 4), (4, 6)]) == dict.fromkeys([(0, 2), (2, 4), (4, 6)], 0)


@pytest.mark.parametrize("is_narrow", [True, False], ids=["phone", "page"])
def test_a_deep_network_keeps_its_letters_and_they_stay_in_their_boxes(is_narrow):
    space = make_search_space({"name": "conv", "max_layers": 10}, (1, 8, 8), 10)
    architecture = space.parse(DEEP)
    marks = [Mark((3,), "layer 3", "why it matters"), Mark((2, 9), "skip 2-9", "why")]
    figure = network_figure(space, architecture, marks, "10 classes")
    with style.set_style(), style.set_narrow_style() if is_narrow else nullcontext():
        canvas = laid_out(figure, is_narrow=is_narrow)
        assert cut_off(canvas) == []  # the labels of the ticks are not drawn
        (axes,) = canvas.axes
        boxes = [one.get_window_extent() for one in axes.patches if isinstance(one, FancyBboxPatch)]
        assert len(boxes) == 12
        inside = 0
        for text in (each for each in axes.texts if not each.get_text().isdigit()):
            extent = text.get_window_extent()
            around = [box for box in boxes if box.contains(extent.x0 + extent.width / 2, extent.y0 + 1)]
            inside += len(around)
            assert all(box.x0 <= extent.x0 and extent.x1 <= box.x1 for box in around)
            assert text.get_fontsize() >= 7
    assert inside >= 12 + 10  # a name for each, weights for most
    assert "Below it stands what its lines and signs mean." in figure.caption


@pytest.mark.parametrize("is_narrow", [True, False], ids=["phone", "page"])
def test_a_label_that_fills_its_line_stays_in_its_box(is_narrow):
    space = make_search_space({"name": "graph", "node_features": 4, "edge_kinds": 3}, (9, 5), 1)
    architecture = space.parse("plain_edges, sum, concat, layer_norm: gcn-32 > gin-32 > gat-32")
    figure = network_figure(space, architecture, (), "melting point in K")
    with style.set_style(), style.set_narrow_style() if is_narrow else nullcontext():
        (axes,) = laid_out(figure, is_narrow=is_narrow).axes
        boxes = [one.get_window_extent() for one in axes.patches if isinstance(one, FancyBboxPatch)]
        extents = [text.get_window_extent() for text in axes.texts]
    for box in boxes:
        inside = [one for one in extents if box.y0 < one.y0 + one.height / 2 < box.y1]
        assert inside
        assert all(box.x0 <= one.x0 and one.x1 <= box.x1 for one in inside)


@pytest.mark.parametrize(
    ("name", "text", "choice", "place"),
    [
        ("mlp", "relu-64 > tanh-16", "layer 2 activation", (2,)),
        ("mlp", "relu-64 > tanh-16", "layer 1 width", (1,)),
        ("mlp", "relu-64 > tanh-16", "depth", ()),
        ("cell", "|none~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|none~2|", "edge 0-2", (0, 2)),
        ("nasbench101", "maxpool3x3(0) > output(0,1)", "edge 0-output", (0, 2)),
        ("conv", "conv3-16-relu > max_pool > conv3-32-tanh + skip 0-2", "skip 0-2", (0, 2)),
    ],
)
def test_a_choice_is_marked_where_it_is(name, text, choice, place):
    space = make_search_space(name, (1, 40), 10)
    assert place_of(space, space.parse(text), choice) == place


def test_the_first_page_shows_the_network_with_its_reasons(tmp_path):
    evidence = read_evidence(recorded(tmp_path / "run"))
    alternatives = explain_alternatives(evidence)
    page = summarise(evidence, [alternatives])
    (drawing,) = page.figures
    reasons = reasons_for(evidence, alternatives.numbers, {})
    for reason in reasons[:3]:
        space = evidence.search_space
        value = space.value_words(space.variables[reason.choice], reason.value)
        assert f"{reason.choice}: {value}" in drawing.alternative
        assert f"{100 * reason.cost:.1f} points" in drawing.alternative
    drawn(drawing, drawing.name)


def test_a_run_of_one_step_is_drawn_without_reasons(tmp_path):
    evidence = read_evidence(walked(tmp_path / "run", 1))
    (drawing,) = summarise(evidence, []).figures
    assert "mark" not in drawing.caption


def test_reasons_without_an_interval_say_that_training_fails(tmp_path):
    evidence = read_evidence(walked(tmp_path / "run", 3))
    reason = Reason("depth", "1", None, None, None, 2, 2, 2, 0, None, None, None)
    drawing = drawing_of(evidence, [reason])
    assert "without it, networks fail to train" in drawing.alternative
