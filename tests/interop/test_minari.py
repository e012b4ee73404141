"""Minari records episodes with their information, and gives them back."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interop.tools import HORIZON, INFORMATION, needed, single

minari = needed("minari")
pytest.importorskip("jax", reason="Minari records by jax: make interop installs it")
try:
    from minari import DataCollector
except ImportError as error:
    pytest.skip(f"Minari cannot record here: {error}", allow_module_level=True)
# It asks for an author and a link to code.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("observation", ["dict", "dict+mask", "index"])
def test_episodes_are_recorded_with_their_information_and_loaded(observation, tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env = DataCollector(single(observation=observation, initial="random"), record_infos=True)
    env.action_space.seed(0)
    told = []
    for episode in range(2):
        _, info = env.reset(seed=episode)
        told.append([info])
        ended = False
        while not ended:
            *_, terminated, truncated, info = env.step(env.action_space.sample(info["action_mask"]))
            told[-1].append(info)
            ended = terminated or truncated
    dataset = env.create_dataset("nas/loop-v0", algorithm_name="random", description="a loop")
    env.close()
    episodes = list(minari.load_dataset("nas/loop-v0"))
    assert [len(episode.actions) for episode in episodes] == [HORIZON] * 2
    assert dataset.total_steps == 2 * HORIZON
    for episode, infos in zip(episodes, told, strict=True):
        assert set(episode.infos) == INFORMATION
        assert [_text(one) for one in episode.infos["architecture"]] == [one["architecture"] for one in infos]
        assert np.array_equal(episode.infos["score"], [one["score"] for one in infos])
        assert np.array_equal(episode.infos["action_mask"], [one["action_mask"] for one in infos])
        assert episode.rewards.tolist() == [one["score"] for one in infos[1:]]


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)
