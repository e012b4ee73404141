"""What a search moves: remembered where nothing warns, set back where something does."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from nas_agents.one_shot.search_state import LARGEST_DECAY, Alpha, SearchState

from nas_gym.networks import Blend
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from tests.helpers.mixtures import mixture_training

TASK = make_task({"name": "mnist1d", "train_size": 60, "validation_size": 40, "test_size": 20})


class StubDiagnosis:
    """What a search says of its last reading, and the course that readings are judged by."""

    def __init__(self, warning, *, way=True):
        self.readings = [SimpleNamespace(warning=warning)]
        self.sound = not warning and way
        self.gone_back = []

    def course(self):
        return "the course"

    def go_back(self, course):
        self.gone_back.append(course)


CALM, WITHOUT_WAY = StubDiagnosis(""), StubDiagnosis("", way=False)
WARNS = StubDiagnosis("The search collapses.")


@pytest.fixture
def state():
    space = make_search_space({"name": "cell", "channels": [4], "cells": 1}, TASK.input_shape, TASK.outputs)
    net = mixture_training(space, TASK, {"epochs": 1, "batch_size": 20}, weight_decay=1e-3)
    counts = {name: len(each.choices) for name, each in space.variables.items()}
    alpha = Alpha(counts, np.random.default_rng(0), torch.device("cpu"))
    return SearchState(net, alpha, torch.optim.Adam([alpha.flat], lr=0.1))


def step(state):
    """Move alpha and the shared weights by a batch each."""
    train, validation = next(iter(state.net.epoch()))
    blends = {name: Blend(torch.softmax(row, 0)) for name, row in state.alpha.rows().items()}
    (state.alpha.flat.grad,) = torch.autograd.grad(state.net.loss(validation, blends), state.alpha.flat)
    state.optimizer.step()
    state.net.step(state.net.loss(train, {name: Blend(b.weights.detach()) for name, b in blends.items()}))


def numbers(state):
    moments = state.optimizer.state_dict()["state"][0]
    return [
        state.alpha.flat.detach().clone(),
        *(array.detach().clone() for array in state.net.w),
        *(each.clone() for each in state.net.momentum.values()),
        moments["exp_avg"].clone(),
        torch.as_tensor(moments["step"]).clone(),
    ]


def test_a_warning_goes_back_to_the_last_calm_reading_with_three_times_the_decay(state):
    step(state)
    state.go_back_if_warned(CALM)
    before, spent = numbers(state), state.net.trace.flops
    step(state)
    assert not all(map(torch.equal, numbers(state), before))
    state.go_back_if_warned(WARNS)
    assert all(map(torch.equal, numbers(state), before))
    assert state.net.weight_decay == pytest.approx(3e-3)
    assert state.net.trace.flops > spent  # what was spent stays spent
    # What is remembered does not move along, and serves again.
    step(state)
    state.go_back_if_warned(WARNS)
    assert all(map(torch.equal, numbers(state), before))
    assert state.net.weight_decay == pytest.approx(9e-3)


def test_what_no_way_leads_through_is_not_remembered(state):
    step(state)
    state.go_back_if_warned(CALM)
    before = numbers(state)
    step(state)
    state.go_back_if_warned(WITHOUT_WAY)
    assert not all(map(torch.equal, numbers(state), before))
    watch = StubDiagnosis("The search collapses.")
    state.go_back_if_warned(watch)
    assert all(map(torch.equal, numbers(state), before))
    assert watch.gone_back == ["the course"]


def test_it_goes_back_until_the_decay_is_at_its_highest(state):
    step(state)
    state.go_back_if_warned(CALM)
    for _ in range(3):
        step(state)
        state.go_back_if_warned(WARNS)
    assert state.net.weight_decay == LARGEST_DECAY
    step(state)
    on = numbers(state)
    state.go_back_if_warned(WARNS)
    assert all(map(torch.equal, numbers(state), on))


def test_without_a_calm_reading_there_is_nothing_to_go_back_to(state):
    step(state)
    on = numbers(state)
    state.go_back_if_warned(WARNS)
    assert all(map(torch.equal, numbers(state), on))
    assert state.net.weight_decay == pytest.approx(3e-3)


def test_what_was_calm_is_kept_for_a_later_process(state):
    step(state)
    state.go_back_if_warned(CALM)
    before = numbers(state)
    step(state)
    kept = state.state()
    state.remembered = None
    state.take_up(kept)
    state.go_back_if_warned(WARNS)
    assert all(map(torch.equal, numbers(state), before))
