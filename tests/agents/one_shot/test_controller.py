"""The controller of ENAS."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from nas_agents.one_shot.enas import Controller

from tests.helpers.supernets import CELL, signals, space_of


def test_the_controller_draws_architectures_as_often_as_it_says():
    space = space_of(CELL | {"channels": [4], "operations": ["none", "skip_connect"]}, signals(20, 8))
    rng = np.random.default_rng(0)
    controller = Controller(SimpleNamespace(space=space), rng)
    with torch.no_grad():
        for parameter in controller.parameters():
            parameter.mul_(10)  # as if it had learned to prefer some
    count = 4000
    drawn = controller.sample(rng, count)
    seen = Counter(drawn.architectures)
    p = dict(zip(drawn.architectures, drawn.logs.detach().exp().tolist(), strict=True))
    assert max(p.values()) > 2 / space.size
    assert sum(p.values()) == pytest.approx(1, abs=0.02)
    statistic = sum((number - count * p[each]) ** 2 / (count * p[each]) for each, number in seen.items())
    assert statistic < len(p) + 4 * (2 * len(p)) ** 0.5
    # The entropy along a draw has that of the whole distribution as its mean.
    whole = -sum(each * np.log(each) for each in p.values())
    assert float(drawn.entropies.mean()) == pytest.approx(whole, abs=0.1)
