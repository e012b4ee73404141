"""The golden rollout of each id: a change of any of this must raise the id's version."""

from __future__ import annotations

import hashlib
import json

import gymnasium as gym
import pytest

from nas_gym.envs import IDS
from nas_gym.tables import import_table
from tests.helpers.data.golden_defaults import COMMON, DEFAULTS, SCALE
from tests.helpers.data.shared_data import NASBENCH201, NASBENCH_MACRO, shared_file

# Of a step: action, architecture, score, observation. Transitions and scores of tables are exact;
# trained scores may differ in a few of 5,000 examples between processors.
ROLLOUTS = {
    "NAS-v0": [
        (10, "relu-16 > relu-64", 0.4872, [1, 2, 0, 0]),
        (21, "relu-16 > relu-64 > tanh-16", 0.4938, [1, 2, 5, 0]),
        (50, "relu-16 > sigmoid-64 > tanh-16", 0.4826, [1, 4, 5, 0]),
        (0, "relu-16 > sigmoid-64 > tanh-16", 0.4826, [1, 4, 5, 0]),
        (33, "sigmoid-64 > tanh-16", 0.3454, [4, 5, 0, 0]),
        (60, "sigmoid-64 > tanh-16", 0.3454, [4, 5, 0, 0]),
        (3, "sigmoid-16 > sigmoid-64 > tanh-16", 0.3362, [3, 4, 5, 0]),
        (45, "relu-16 > sigmoid-64 > tanh-16", 0.4826, [1, 4, 5, 0]),
        (36, "relu-16 > sigmoid-64 > tanh-16", 0.4826, [1, 4, 5, 0]),
        (1, "relu-16 > relu-16 > sigmoid-64 > tanh-16", 0.4708, [1, 1, 4, 5]),
    ],
    "NASMultiObjective-v0": [
        (10, "relu-16 > relu-64", 0.0, [1, 2, 0, 0]),
        (21, "relu-16 > relu-64 > tanh-16", 0.0, [1, 2, 5, 0]),
        (50, "relu-16 > sigmoid-64 > tanh-16", 0.0, [1, 4, 5, 0]),
        (0, "relu-16 > sigmoid-64 > tanh-16", 0.0, [1, 4, 5, 0]),
        (33, "sigmoid-64 > tanh-16", 0.0, [4, 5, 0, 0]),
        (60, "sigmoid-64 > tanh-16", 0.0, [4, 5, 0, 0]),
        (3, "sigmoid-16 > sigmoid-64 > tanh-16", 0.0, [3, 4, 5, 0]),
        (45, "relu-16 > sigmoid-64 > tanh-16", 0.0, [1, 4, 5, 0]),
        (36, "relu-16 > sigmoid-64 > tanh-16", 0.0, [1, 4, 5, 0]),
        (1, "relu-16 > relu-16 > sigmoid-64 > tanh-16", 0.0, [1, 1, 4, 5]),
    ],
    "NASTable-MLP-v0": [
        (48, "identity-16", 0.332133, [7, 0, 0, 0]),
        (9, "identity-16 > relu-16", 0.4366, [7, 1, 0, 0]),
        (23, "identity-16 > relu-16 > identity-16", 0.463267, [7, 1, 7, 0]),
        (53, "identity-16 > relu-16 > relu-16", 0.450933, [7, 1, 1, 0]),
        (36, "identity-16 > relu-16 > relu-16", 0.450933, [7, 1, 1, 0]),
        (50, "identity-16 > sigmoid-16 > relu-16", 0.3262, [7, 3, 1, 0]),
        (34, "identity-16 > relu-16", 0.4366, [7, 1, 0, 0]),
        (2, "relu-64 > identity-16 > relu-16", 0.539467, [2, 7, 1, 0]),
    ],
    "NASTable-Conv-v0": [
        (16, "conv3-4-relu > conv7-4-tanh", 0.459333, [[1, 2, 0], [1, 1, 0], [1, 2, 0], [0, 0, 0]]),
        (47, "conv3-4-tanh > conv7-4-tanh", 0.383556, [[2, 2, 0], [1, 1, 0], [1, 2, 0], [0, 0, 0]]),
        (41, "conv3-8-tanh > conv7-4-tanh", 0.439222, [[2, 2, 0], [2, 1, 0], [1, 2, 0], [0, 0, 0]]),
        (
            19,
            "conv3-8-tanh > conv7-4-tanh > conv3-4-relu",
            0.529333,
            [[2, 2, 1], [2, 1, 1], [1, 2, 1], [0, 0, 0]],
        ),
        (
            53,
            "conv3-8-tanh > conv7-4-tanh > conv3-4-relu + skip 0-3",
            0.635333,
            [[2, 2, 1], [2, 1, 1], [1, 2, 1], [0, 1, 0]],
        ),
        (
            4,
            "conv3-8-tanh > conv7-4-tanh > conv3-4-relu + skip 0-3",
            0.635333,
            [[2, 2, 1], [2, 1, 1], [1, 2, 1], [0, 1, 0]],
        ),
        (
            56,
            "conv3-8-tanh > conv7-4-tanh > conv3-4-relu",
            0.529333,
            [[2, 2, 1], [2, 1, 1], [1, 2, 1], [0, 0, 0]],
        ),
        (
            54,
            "conv3-8-tanh > conv7-4-tanh > conv3-4-relu + skip 1-3",
            0.736556,
            [[2, 2, 1], [2, 1, 1], [1, 2, 1], [0, 0, 1]],
        ),
    ],
    "NASTable-Series-v0": [
        (46, "generic-32", 0.672431, [7, 0, 0]),
        (22, "generic-32 > season-8", 0.617849, [7, 10, 0]),
        (31, "generic-32 > season-8 > generic-32", 0.641227, [7, 10, 7]),
        (45, "generic-8 > season-8 > generic-32", 0.634861, [6, 10, 7]),
    ],
    "NASTable-Molecules-v0": [
        (32, "plain_edges, sum, last, no_norm: fc-8", 0.778944, [[1, 0], [0, 0, 0, 0]]),
        (15, "plain_edges, sum, last, no_norm: fc-8 > fc-48", 0.795033, [[1, 3], [0, 0, 0, 0]]),
        (26, "plain_edges, sum, last, no_norm: fc-8", 0.778944, [[1, 0], [0, 0, 0, 0]]),
        (22, "plain_edges, sum, last, no_norm: fc-8 > kgnn-8", 0.792165, [[1, 10], [0, 0, 0, 0]]),
        (40, "plain_edges, sum, last, no_norm: fc-8 > kgnn-8", 0.792165, [[1, 10], [0, 0, 0, 0]]),
    ],
    "NASTable-Speech-v0": [
        (20, "conv3-2-relu", 0.406667, [[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]]),
        (8, "conv3-2-relu > conv3-2-relu", 0.429259, [[1, 1, 0], [1, 1, 0], [1, 1, 0], [0, 0, 0]]),
        (
            12,
            "conv3-2-relu > conv7-6-relu > conv3-2-relu",
            0.341852,
            [[1, 1, 1], [1, 2, 1], [1, 2, 1], [0, 0, 0]],
        ),
        (
            19,
            "conv3-2-relu > conv7-6-relu > conv3-2-relu",
            0.341852,
            [[1, 1, 1], [1, 2, 1], [1, 2, 1], [0, 0, 0]],
        ),
        (
            3,
            "conv3-2-relu > conv7-6-relu > conv3-2-relu",
            0.341852,
            [[1, 1, 1], [1, 2, 1], [1, 2, 1], [0, 0, 0]],
        ),
    ],
    "NASTable-Text-v0": [
        (
            23,
            "embedding_4, forward, last_state, dropout_0, chain: rnn-4",
            0.194667,
            [[7, 0], [0, 0, 0, 0, 0]],
        ),
        (
            39,
            "embedding_4, forward, mean_state, dropout_0, chain: rnn-4",
            0.110333,
            [[7, 0], [0, 0, 1, 0, 0]],
        ),
        (
            35,
            "embedding_16, forward, mean_state, dropout_0, chain: rnn-4",
            0.142667,
            [[7, 0], [2, 0, 1, 0, 0]],
        ),
        (
            14,
            "embedding_16, forward, mean_state, dropout_0, chain: rnn-4 > lstm-12",
            0.13,
            [[7, 5], [2, 0, 1, 0, 0]],
        ),
        (
            41,
            "embedding_16, forward, mean_state, dropout_0.2, chain: rnn-4 > lstm-12",
            0.118,
            [[7, 5], [2, 0, 1, 1, 0]],
        ),
        (
            40,
            "embedding_16, forward, mean_state, dropout_0, chain: rnn-4 > lstm-12",
            0.13,
            [[7, 5], [2, 0, 1, 0, 0]],
        ),
        (
            0,
            "embedding_16, forward, mean_state, dropout_0, chain: rnn-4 > lstm-12",
            0.13,
            [[7, 5], [2, 0, 1, 0, 0]],
        ),
    ],
    "NASBench201-v0": [
        (20, "|none~0|+|none~0|none~1|+|none~0|avg_pool_3x3~1|none~2|", 0.09712, [0, 0, 0, 0, 4, 0]),
        (9, "|none~0|+|none~0|skip_connect~1|+|none~0|avg_pool_3x3~1|none~2|", 0.09712, [0, 0, 1, 0, 4, 0]),
        (49, "|none~0|+|none~0|skip_connect~1|+|none~0|nor_conv_3x3~1|none~2|", 0.09712, [0, 0, 1, 0, 3, 0]),
        (
            16,
            "|none~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|none~2|",
            0.720573,
            [0, 0, 1, 4, 3, 0],
        ),
        (
            9,
            "|none~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|none~2|",
            0.720573,
            [0, 0, 1, 4, 3, 0],
        ),
        (
            45,
            "|none~0|+|none~0|skip_connect~1|+|nor_conv_3x3~0|nor_conv_3x3~1|none~2|",
            0.887573,
            [0, 0, 1, 3, 3, 0],
        ),
    ],
    "NASBenchMacro-v0": [
        (14, "00001000", 0.693, [0, 0, 0, 0, 1, 0, 0, 0]),
        (18, "00001200", 0.820933, [0, 0, 0, 0, 1, 2, 0, 0]),
        (2, "10001200", 0.8755, [1, 0, 0, 0, 1, 2, 0, 0]),
        (23, "10001201", 0.887767, [1, 0, 0, 0, 1, 2, 0, 1]),
        (2, "10001201", 0.887767, [1, 0, 0, 0, 1, 2, 0, 1]),
        (12, "10021201", 0.894267, [1, 0, 0, 2, 1, 2, 0, 1]),
    ],
}
PUBLISHED = {
    "NASBench201-v0": ("nasbench201", NASBENCH201),
    "NASBenchMacro-v0": ("nasbench_macro", NASBENCH_MACRO),
}
NUMBERING = {
    "mlp": ("20e515526030e4a1", "relu-16"),
    "conv": ("03ddc43b6c9f8c57", "conv3-16-relu"),
    "macro": ("da79464d6faa4a52", "00000000"),
    "cell": ("3e952e56bffcc989", "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"),
}


@pytest.fixture(scope="module", params=IDS)
def env(request, tmp_path_factory):
    """An environment of each id; a published table is imported into a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAS_GYM_TABLES", str(tmp_path_factory.mktemp("tables")))
        if request.param in PUBLISHED:
            benchmark, file = PUBLISHED[request.param]
            import_table(benchmark, shared_file(file))
        return gym.make(request.param, store="memory")


def test_every_id_has_a_golden_rollout(env):
    env.reset(seed=0)
    tolerance = 0.01 if env.spec.id == "NAS-v0" else 1e-6
    for action, architecture, score, observed in ROLLOUTS[env.spec.id]:
        observation, reward, terminated, truncated, info = env.step(action)
        assert info["architecture"] == architecture
        assert reward == pytest.approx(score, abs=tolerance)
        parts = observed if isinstance(observed[0], list) else [observed]
        observation.pop("steps_left", None)
        assert [array.tolist() for array in observation.values()] == parts
        assert not terminated
        assert not truncated


def test_the_last_step_of_several_objectives_is_paid_by_the_golden_scale():
    env = gym.make("NASMultiObjective-v0", store="memory", horizon=2)
    env.reset(seed=0, options={"architecture": "relu-16"})
    env.step(0)
    _, reward, terminated, _, info = env.step(0)
    assert (terminated, reward.shape) == (True, (2,))
    assert reward[1] == pytest.approx(-env.unwrapped.evaluate("relu-16").parameters / SCALE)
    assert reward[0] == pytest.approx(info["score"])


def test_every_id_has_golden_defaults(env):
    assert env.unwrapped.config() == COMMON | DEFAULTS[env.spec.id]


@pytest.mark.parametrize("space", NUMBERING)
def test_the_numbering_of_the_actions_and_the_start_state(space):
    env = gym.make("NAS-v0", search_space=space, task="digits", store="memory").unwrapped
    words = json.dumps([str(edit) for edit in env.search_space.actions]).encode()
    assert (hashlib.sha256(words).hexdigest()[:16], str(env.search_space.smallest())) == NUMBERING[space]


def test_the_split_of_digits():
    task = gym.make("NAS-v0", task="digits", store="memory").unwrapped.task
    assert task.fingerprint.startswith("3d293e62ae1361e3")
