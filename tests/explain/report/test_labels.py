"""Long names of columns and classes stay readable in figures, and are whole where there is room."""

from contextlib import nullcontext
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from nas_gym.explain.report import style
from nas_gym.explain.report.labels import ELLIPSIS, labels, shortened
from nas_gym.explain.report.svg import cut_off, drawn, laid_out
from nas_gym.explain.sections.network import figures as network_figures
from nas_gym.explain.sections.network.classes import ClassAnswers

BEGIN, END = "customer segment of the northern region ", " with a seasonal contract"
ALIKE = [f"{BEGIN}number {k:02d}{END}" for k in range(20)]


def test_a_short_name_stays_and_a_long_one_loses_its_middle():
    assert shortened("petal length") == "petal length"
    short = shortened("average transaction amount of the last twelve months")
    assert len(short) <= 28
    assert short.startswith("average trans")
    assert short.endswith("months")


@pytest.mark.parametrize("letters", [10, 18, 28])
@pytest.mark.parametrize(
    "names",
    [
        ALIKE,
        [f"{name}{END}" for name in "abc"],
        [f"{BEGIN}{name}" for name in "abc"],
        ["short", *ALIKE[:3]],
        [f"{'x' * 60}{a}{'y' * 60}{b}{'z' * 60}" for a in "12" for b in "12"],
    ],
)
def test_different_names_have_different_labels_that_fit(names, letters):
    found = labels(names, letters)
    assert len(set(found)) == len(names)
    assert all(len(label) <= letters for label in found)


def test_names_that_are_the_same_have_the_same_label():
    assert len(set(labels([ALIKE[0]] * 2))) == 1


def used(names):
    """What figures of a network need to know, for a network that answers these classes."""
    count = len(names)
    rng = np.random.default_rng(0)
    maps = rng.random((count, 1, 8, 8))
    inputs = SimpleNamespace(importance=maps.mean(0), by_output=maps, saliency_by_output=maps)
    y = np.arange(4 * count) % count
    target = SimpleNamespace(names=tuple(names))
    task = SimpleNamespace(target=target, x_validation=rng.random((len(y), 1, 8, 8)), y_validation=y)
    answers = ClassAnswers(task, np.zeros((len(y), count)), rng.integers(1, 9, (count, count)), None)
    return SimpleNamespace(answers=answers, inputs=inputs, trained=SimpleNamespace(task=task))


def confusion_figure(names):
    return used(names).answers.confusion_figure()


def texts_of(figure):
    """The visible texts of a figure with their boxes, in pixels, and the size of the page."""
    with style.set_style():
        canvas = Canvas(figsize=figure.size, layout="constrained")
        FigureCanvasAgg(canvas)
        figure.draw(canvas)
        canvas.draw_without_rendering()
        found = []
        for axes in canvas.axes:
            found += [axes.get_xticklabels(), axes.get_yticklabels(), [axes.title]]
        found = [group for group in found if group and group[0].get_text()]
        width, height = canvas.get_size_inches() * canvas.dpi
        boxes = [[text.get_window_extent() for text in group] for group in found]
        rotated = [[bool(text.get_rotation()) for text in group] for group in found]
        titles = [group[0] for group in boxes if len(group) == 1]
        return boxes, rotated, titles, (width, height)


@pytest.mark.parametrize("count", [2, 10, 20, 100])
def test_the_names_of_classes_neither_overlap_nor_leave_the_page(count):
    names = [f"{BEGIN}number {k:03d}{END}" for k in range(count)]
    boxes, rotated, _, (width, height) = texts_of(confusion_figure(names))
    for group, turned in zip(boxes, rotated, strict=True):
        assert all(box.x0 >= -1 and box.x1 <= width + 1 for box in group)
        assert all(box.y0 >= -1 and box.y1 <= height + 1 for box in group)
        upright = sorted(box.y0 for box, is_turned in zip(group, turned, strict=True) if not is_turned)
        assert all(second - first > 8 for first, second in pairwise(upright))


@pytest.mark.parametrize("is_narrow", [False, True])
@pytest.mark.parametrize("count", [2, 4, 8, 20])
def test_the_name_of_an_axis_beside_long_labels_is_not_cut_off(count, is_narrow):
    names = [f"{BEGIN}number {k:03d}{END}" for k in range(count)]
    with style.set_style(), style.set_narrow_style() if is_narrow else nullcontext():
        assert cut_off(laid_out(confusion_figure(names), is_narrow=is_narrow)) == []


def test_the_names_above_pictures_do_not_run_into_each_other():
    names = [f"{BEGIN}number {k:02d}{END}" for k in range(10)]
    figure = network_figures.images(used(names))
    _, _, titles, _ = texts_of(figure)
    named = [box for box in titles if box.width > 1]
    assert len(named) == 10
    named.sort(key=lambda box: box.x0)
    assert all(first.x1 <= second.x0 for first, second in pairwise(named))


def test_the_whole_name_is_a_tooltip_in_the_page():
    names = [f'{BEGIN}<{k:02d}> & "more"{END}' for k in range(3)]
    svg = drawn(confusion_figure(names), "confusion").svg
    for k in range(3):
        assert f"<title>{BEGIN}&lt;{k:02d}&gt; &amp; &quot;more&quot;{END}</title>" in svg
    assert ELLIPSIS in svg
    assert "whole-" not in svg


def test_an_axis_that_knows_nothing_of_long_names_is_shortened_too():
    def draw(canvas):
        axes = canvas.add_subplot()
        axes.barh(range(3), [1, 2, 3])
        axes.set_yticks(range(3), [f"{name} {'and so on ' * 20}" for name in "abc"])

    from nas_gym.explain import Figure

    svg = drawn(Figure("bars", "Bars.", "Three bars.", draw), "bars").svg
    assert svg.count("<title>") == 3


def test_labels_of_ticks_beyond_an_axis_are_not_drawn_and_so_not_cut_off():
    canvas = Canvas(figsize=(4, 3), layout="constrained")
    axes = canvas.add_subplot()
    axes.plot([0, 1], [0, 1])
    axes.set_ylim(0, 0.97)
    axes.set_yticks([0, 0.5, 5])
    axes.set_ylim(0, 0.97)
    canvas.draw_without_rendering()
    assert cut_off(canvas) == []
    axes.text(0.5, 5, "above", clip_on=False)
    assert cut_off(canvas) == ["above"]
