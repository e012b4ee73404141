"""Stretches, bands and channels of signals: what a planted network reads comes out of hiding each."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from nas_gym.explain.methods.attribution.hiding import BAND, STRETCH, ways_of
from nas_gym.explain.methods.attribution.network_inputs import channel_importance
from nas_gym.explain.methods.attribution.occlusion import occlusion
from nas_gym.explain.methods.attribution.sound_parts import sound_parts
from nas_gym.explain.sections.network import channels, hidden_parts
from nas_gym.explain.sections.network.analysis import NetworkUse
from nas_gym.networks import NetworkBuilder, NetworkModule
from nas_gym.tasks import SignalForm, Task

RATE, LENGTH, PITCH = 4_000, 800, 1_000


def recordings(rate: int | None) -> Task:
    """Noise with a tone of one pitch in the second half of every other example, and one of another in all."""
    rng = np.random.default_rng(0)
    y = np.arange(160) % 2
    time = np.arange(LENGTH) / RATE
    tone = np.sin(2 * np.pi * PITCH * time) * (time >= LENGTH / RATE / 2)
    x = 0.1 * rng.normal(size=(160, LENGTH)) + y[:, None] * tone + np.sin(2 * np.pi * 300 * time)
    task = Task.from_arrays(x[:, None], y, name="tones", class_names=("noise", "tone"))
    return task if rate is None else replace(task, files=SignalForm(1, LENGTH, rate))


class Listener(nn.Module):
    """Answers the second class where there is a tone of that pitch in the second half."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        second = x[:, 0, LENGTH // 2 :]
        wave = torch.exp(2j * np.pi * PITCH / RATE * torch.arange(LENGTH // 2))
        loud = (second * wave).mean(1).abs()
        return torch.stack([torch.full_like(loud, 0.35), loud], 1) * 20


def use_of(task: Task, **measured) -> NetworkUse:
    trained = SimpleNamespace(task=task)
    answers = SimpleNamespace(explained=task.y_validation, noun="class")
    return NetworkUse(trained, 0.9, answers, None, None, None, [], **measured)


def test_the_band_and_the_stretches_that_decide_are_found_by_hiding_each() -> None:
    task = recordings(RATE)
    parts = sound_parts(task)
    found = {kind: occlusion(Listener(), task, way, 0) for kind, way in ways_of(task).items()}
    band = int(np.nanmean(found[BAND].effects, axis=0).argmax())
    low, high = parts.bands[band]
    assert low <= PITCH < high
    others = np.delete(found[BAND].effects, band, axis=1)
    tones = task.y_validation[found[BAND].rows] == 1
    assert found[BAND].effects[tones, band].min() > 0.5 > np.abs(others[tones]).max() * 5
    assert found[BAND].confirmed
    half = [start < LENGTH // 2 for start, _ in parts.stretches]
    along = found[STRETCH].effects[tones].mean(axis=0)
    np.testing.assert_allclose(along[half], 0, atol=1e-9)
    assert along[~np.array(half)].min() > 0
    said = " ".join(hidden_parts.words_of(use_of(task, hidden=found)))
    assert "Of a signal of 0.20 seconds it listens most from 0.15 to 0.20 seconds" in said
    assert f"It listens most between {low:,.0f} and {high:,.0f} Hz" in said


def test_bands_share_all_frequencies_but_the_mean() -> None:
    task = recordings(RATE)
    parts = sound_parts(task)
    way, x = ways_of(task)[BAND], task.x_validation[:1].astype(np.float64)
    kept = [x - way.hidden(x, np.array([band])) for band in range(len(parts.bands))]
    np.testing.assert_allclose(sum(kept) + x.mean(), x, atol=1e-9)


def test_without_a_rate_a_long_signal_has_stretches_of_points_and_a_short_one_no_parts() -> None:
    task = recordings(None)
    assert list(ways_of(task)) == [STRETCH]
    found = {STRETCH: occlusion(Listener(), task, ways_of(task)[STRETCH], 0)}
    assert (
        "of 800 points it listens most at points 501 to"
        in hidden_parts.words_of(use_of(task, hidden=found))[0]
    )
    short = Task.from_arrays(np.random.default_rng(0).normal(size=(60, 1, 40)), np.arange(60) % 2)
    assert not ways_of(short)


def test_a_signal_whose_last_point_is_left_over_or_whose_end_is_silent_is_told_without_a_warning() -> None:
    x = np.random.default_rng(0).normal(size=(60, 1, 401))
    x[:, :, 380:] = 0
    task = Task.from_arrays(x, np.arange(60) % 2)
    parts = sound_parts(task)
    assert parts.stretches[0] == (0, 11)
    assert parts.stretches[-1][1] == 401
    assert min(end - start for start, end in parts.stretches) > 1
    answers = nn.Sequential(nn.Flatten(), nn.Linear(401, 2)).double()
    found = occlusion(answers, task, ways_of(task)[STRETCH], 0)
    assert found.mean_effects()[-1] == 0
    use = use_of(task, hidden={STRETCH: found})
    assert hidden_parts.words_of(use)[0].startswith("Of a signal of 401 points it listens most")
    assert hidden_parts.tables_of(use)[0].rows[-1][1:] == (0, None)
    assert hidden_parts.figures_of(use)


def test_a_slow_recording_has_stretches_of_two_points_and_one_that_is_silent_is_told_by_its_bands() -> None:
    x = np.random.default_rng(0).normal(size=(60, 1, 38))
    slow = replace(Task.from_arrays(x, np.arange(60) % 2), files=SignalForm(1, 38, 20))
    assert {end - start for start, end in sound_parts(slow).stretches} == {2}
    answers = nn.Sequential(nn.Flatten(), nn.Linear(38, 2)).double()
    use = use_of(slow, hidden={BAND: occlusion(answers, slow, ways_of(slow)[BAND], 0)})
    assert hidden_parts.words_of(use)[0].startswith("It ")
    assert hidden_parts.tables_of(use)
    assert hidden_parts.figures_of(use)


@pytest.fixture
def series() -> Task:
    """Signals of three channels, whose value is the last point of the second."""
    x = np.random.default_rng(0).normal(size=(200, 3, 8))
    task = Task.from_arrays(x, x[:, 1, -1], target_kind="values")
    return replace(task, channel_names=("price", "demand", "weather"))


def test_the_channel_that_decides_is_the_only_one_whose_shuffling_costs(series) -> None:
    builder = NetworkBuilder(series.input_shape)
    module = NetworkModule(builder.build(builder.linear(builder.flatten(builder.input), 1, bias=False)))
    weight = next(module.double().eval().parameters())
    weight.data.zero_()
    weight.data[0, 2 * 8 - 1] = 1
    drops = channel_importance(module, series, 0)
    assert drops[:, 1].min() > 0.8
    np.testing.assert_allclose(drops[:, [0, 2]], 0, atol=1e-12)
    use = use_of(series, channels=drops)
    assert channels.words_of(use)[0].startswith("Of its 3 channels it uses demand most")
    (table,) = channels.tables_of(use)
    assert table.rows[0][0] == "demand"
