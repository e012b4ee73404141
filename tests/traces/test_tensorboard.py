"""What TensorBoard is given, read from the event files without a server."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util.tensor_util import make_ndarray

from nas_gym.networks import NetworkBuilder
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.traces import State, TabularPolicy, Trace, discs, one_hot, read_trace
from nas_gym.traces.tensorboard.heat_map import ILLEGAL, heat_map
from nas_gym.traces.tensorboard.network_graph import graph_of
from nas_gym.traces.tensorboard.policy_digest import decision_scalars
from nas_gym.traces.tensorboard.tables import Row, code, episode_table, table
from tests.helpers.fakes import fake_env
from tests.helpers.traced_runs import q_learning, walk


def accumulated(folder):
    limits = dict.fromkeys(("scalars", "tensors", "images", "histograms"), 0)
    events = EventAccumulator(str(folder), size_guidance=limits)
    events.Reload()
    return events


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A run of Q-learning: its folder, environment, table and events."""
    folder = tmp_path_factory.mktemp("runs") / "q"
    config = {"budget": 12, "hyperparameters": {"alpha": 0.5, "masked": True, "layers": [1, 2], "none": None}}
    env = Trace(fake_env(), folder, agent="q", config=config)
    values = q_learning(env, 12)
    env.close()
    return folder, env, values, accumulated(folder)


def series(events, tag):
    return [(event.step, event.value) for event in events.Scalars(tag)]


def histograms(events, tag):
    return [make_ndarray(event.tensor_proto) for event in events.Tensors(tag)]


def strings(events, tag):
    return [event.tensor_proto.string_val[0].decode() for event in events.Tensors(f"{tag}/text_summary")]


def test_scalars_of_every_step_agree_with_the_trace(learned):
    folder, _, _, events = learned
    steps = read_trace(folder / "trace.jsonl").steps
    numbered = list(enumerate(steps, start=1))
    assert series(events, "search/reward") == [(n, pytest.approx(s.reward)) for n, s in numbered]
    assert series(events, "search/score") == [(n, pytest.approx(s.score)) for n, s in numbered]
    assert series(events, "search/unique_evaluations") == [(n, s.unique) for n, s in numbered]
    assert series(events, "search/steps") == [(n, n) for n, _ in numbered]
    assert {value for _, value in series(events, "search/stored_hits")} == {0.0}
    best = np.maximum.accumulate([step.score for step in steps])
    assert [value for _, value in series(events, "search/best_score")] == pytest.approx(best)
    assert [value for _, value in series(events, "train/epsilon")] == pytest.approx([0.4] * len(steps))


def test_evaluations_are_numbered_as_the_budget_counts_them(learned):
    _, env, _, events = learned
    scores = [evaluation.score for evaluation in env.unwrapped.ledger.history]
    assert series(events, "by_evaluation/score") == [
        (number, pytest.approx(score)) for number, score in enumerate(scores, start=1)
    ]
    assert series(events, "by_evaluation/best_score")[-1][1] == pytest.approx(max(scores))


def test_an_episodes_return_is_the_sum_of_its_rewards_and_cut_episodes_have_none(learned):
    folder, _, _, events = learned
    steps = read_trace(folder / "trace.jsonl").steps
    episodes = {step.episode for step in steps if step.truncated}
    returns = [sum(step.reward for step in steps if step.episode == episode) for episode in sorted(episodes)]
    assert [value for _, value in series(events, "episode/return")] == pytest.approx(returns)
    assert len(returns) > 3


def test_the_policy_over_time_has_one_bucket_per_action(learned):
    _, env, values, events = learned
    actions = len(env.unwrapped.search_space.actions)
    for tag in ("policy/start_state", "policy/visited_states"):
        left, right, weights = histograms(events, tag)[-1].T
        assert (left == np.arange(actions) - 0.5).all()
        assert (right == np.arange(actions) + 0.5).all()
        assert weights.sum() == pytest.approx(1)
    start = histograms(events, "policy/start_state")[-2][:, 2]
    mask = env.unwrapped.search_space.mask(env.unwrapped.search_space.smallest())
    assert not start[~mask].any()
    assert int(start.argmax()) == int(np.where(mask, values["relu-64"], -np.inf).argmax())


def test_the_top_edits_of_the_start_state_are_scalars_in_their_words(learned):
    _, env, _, events = learned
    tags = [tag for tag in events.Tags()["scalars"] if tag.startswith("policy_start_state/")]
    words = {str(action) for action in env.unwrapped.search_space.actions}
    assert 5 <= len(tags) <= 12
    assert {tag.partition("/")[2] for tag in tags} <= words


def test_each_episode_is_a_table_of_its_edits(learned):
    folder, _, _, events = learned
    tables = strings(events, "episodes")
    steps = read_trace(folder / "trace.jsonl").steps
    assert len(tables) == len({step.episode for step in steps})
    first = [step for step in steps if step.episode == 0]
    lines = tables[0].splitlines()
    assert lines[0] == f"**Episode 0: return {sum(step.reward for step in first):.4f} in 20 steps**"
    assert len(lines) == 2 + 2 + 20
    assert lines[4].startswith("| 0 | `relu-64` | ")
    assert f"| - → {first[0].score:.4f} |" in lines[4]
    assert f"| {first[0].score:.4f} → {first[1].score:.4f} |" in lines[5]
    assert "cut short" in tables[-1]


def test_hyperparameters_stand_in_the_run_itself(learned):
    _, _, _, events = learned
    content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    shown = HParamsPluginData.FromString(content).session_start_info.hparams
    assert shown["alpha"].number_value == 0.5
    assert shown["masked"].string_value == "true"
    assert shown["layers"].string_value == "[1, 2]"
    assert shown["none"].string_value == "none"
    assert shown["agent"].string_value == "q"
    assert shown["search_space"].string_value == "mlp"
    assert "_hparams_/session_end_info" in events.summary_metadata
    assert "_hparams_/experiment" not in events.summary_metadata
    metrics = [tag for tag in events.Tags()["scalars"] if tag.startswith("at_end/")]
    assert sorted(events.Tags()["scalars"])[: len(metrics)] == sorted(metrics)


def test_images_show_the_heat_map_and_the_best_architectures(learned):
    _, _, _, events = learned
    assert set(events.Tags()["images"]) == {
        "architectures/best_so_far",
        "architectures/top",
        "policy/heat_map",
    }
    for tag in events.Tags()["images"]:
        pixels = np.asarray(Image.open(io.BytesIO(events.Images(tag)[-1].encoded_image_string)))
        assert pixels.std() > 5
    assert len(events.Images("policy/heat_map")) <= 7
    assert len(events.Images("architectures/best_so_far")) <= 7


def test_the_graph_is_the_best_architectures(learned):
    _, env, _, events = learned
    space = env.unwrapped.search_space
    best = max(env.unwrapped.ledger.history, key=lambda evaluation: evaluation.score)
    expected = graph_of(space.network(space.parse(best.architecture)))
    assert GraphDef.FromString(events.Graph().SerializeToString()) == expected


def test_a_run_of_questions_alone_shows_its_evaluations(tmp_path):
    env = Trace(fake_env(), tmp_path)
    space = env.unwrapped.search_space
    rng = np.random.default_rng(0)
    for _ in range(20):
        env.evaluate([space.sample(rng) for _ in range(3)])
    env.close()
    events = accumulated(tmp_path)
    asks = read_trace(tmp_path / "trace.jsonl").asks
    assert series(events, "search/score") == [
        (number, pytest.approx(ask.score)) for number, ask in enumerate(asks, start=1)
    ]
    texts = [
        event.tensor_proto.string_val[0].decode() for event in events.Tensors("evaluations/text_summary")
    ]
    assert [text.count("\n") - 1 for text in texts] == [25, 25, 10]
    assert not any(tag.startswith("policy") for tag in events.Tags()["scalars"] + events.Tags()["images"])


def test_what_is_written_is_bounded_however_long_the_walk(tmp_path):
    env = Trace(fake_env(horizon=5), tmp_path)
    space = env.unwrapped.search_space
    env.watch(TabularPolicy(space, {}))
    walk(env, 2000)
    env.close()
    events = accumulated(tmp_path)
    assert len(events.Images("policy/heat_map")) <= 7
    assert len(histograms(events, "policy/start_state")) < 200
    assert len(events.Scalars("search/reward")) == 2000


def test_a_policy_whose_scores_are_not_finite_is_shown_as_far_as_it_goes(tmp_path):
    env = Trace(fake_env(horizon=3), tmp_path)
    actions = len(env.unwrapped.search_space.actions)
    env.watch(TabularPolicy(env.unwrapped.search_space, {"relu-64": np.full(actions, np.nan)}))
    env.reset()
    for _ in range(7):
        if env.step(0)[3]:
            env.reset()
    env.close()
    assert histograms(accumulated(tmp_path), "policy/start_state")


def test_entropy_is_of_the_legal_edits():
    mask = np.array([True, True, False, True])
    even = decision_scalars("probabilities", np.array([0.2, 0.2, 0.4, 0.2]), mask)
    assert even["policy/entropy"] == pytest.approx(np.log(3))
    assert even["policy/legal_probability"] == pytest.approx(0.6)
    certain = decision_scalars("probabilities", np.array([1.0, 0.0, 0.0, 0.0]), mask)
    assert certain["policy/entropy"] == 0.0
    values = decision_scalars("q_values", np.array([0.2, 0.7, 9.0, 0.5]), mask)
    assert values == {"policy/best_q_value": 0.7, "policy/q_value_gap": pytest.approx(0.2)}


def test_a_policy_that_comes_later_is_shown_from_then_on(tmp_path):
    env = Trace(fake_env(horizon=3), tmp_path)
    walk(env, 3)
    space = env.unwrapped.search_space
    env.watch(TabularPolicy(space, {"relu-64": np.arange(len(space.actions), dtype=np.float64)}))
    walk(env, 3)
    env.close()
    events = accumulated(tmp_path)
    assert [step for step, _ in series(events, "policy/best_q_value")] == [4, 5, 6]
    without, with_policy = strings(events, "episodes")
    assert "best alternatives (Q-value)" in with_policy
    assert "best alternatives" not in without


def test_a_bar_inside_a_cell_does_not_end_it():
    text = table(["state"], [[code("|none~0|+|skip_connect~1|")]])
    assert text.splitlines()[2].count("|") == 2
    assert code("relu-64") == "`relu-64`"


def test_a_table_shows_the_score_of_the_edit_and_the_best_alternatives(learned):
    folder, env, _, _ = learned
    words = [str(action) for action in env.unwrapped.search_space.actions]
    step = next(step for step in read_trace(folder / "trace.jsonl").steps if max(step.scores) > 0)
    line = episode_table([Row(step, 0.25)], words, "q_values", "accuracy").splitlines()[-1]
    scores = dict(zip(step.mask, step.scores, strict=True))
    own = scores.pop(step.action)
    best = max(scores, key=scores.__getitem__)
    assert f"{step.edit} ({own:.4f})" in line
    assert f"| {words[best]} ({scores[best]:.4f}); " in line


def test_the_heat_map_greys_illegal_edits_and_rings_the_best():
    scores = np.array([[0.1, 0.9, 0.5], [0.3, 0.2, 0.0]])
    masks = np.array([[True, True, False], [True, True, True]])
    labels = (["a", "b"], [3, 1], ["keep", "add", "remove"], "q_values")
    pixels = heat_map(scores, masks, *labels)

    def cells(colour):
        return (pixels == np.array(colour)).all(axis=2)

    assert cells(ILLEGAL).sum() > 500
    ring = np.argwhere(cells((217, 72, 15)))
    assert len(ring) > 100
    everything_legal = heat_map(
        scores, masks | True, ["a", "b"], [3, 1], ["keep", "add", "remove"], "q_values"
    )
    assert not (everything_legal == np.array(ILLEGAL)).all(axis=2).any()


def test_the_heat_map_leaves_out_edits_that_no_row_allows_and_the_least_of_too_many():
    masks = np.zeros((2, 200), dtype=bool)
    masks[:, :10] = True
    narrow = heat_map(np.zeros((2, 200)), masks, ["a", "b"], [1, 1], ["edit"] * 200, "probabilities")
    wide = heat_map(np.zeros((2, 200)), masks | True, ["a", "b"], [1, 1], ["edit"] * 200, "probabilities")
    assert narrow.shape[1] < wide.shape[1] < 1400


def test_the_brightest_disc_is_the_best_architecture():
    sheet = discs([0.5, 0.9, 0.1, 0.2, 0.3])
    assert sheet.shape == (72, 72, 4)
    middle = sheet[12::24, 12::24].reshape(-1, 4)
    assert middle[5:].sum() == 0
    brightness = middle[:5, :3].sum(axis=1)
    assert brightness.argmax() == 1
    assert brightness.argmin() == 2


@pytest.mark.parametrize("space", ["mlp", "conv", "cell"])
def test_points_of_the_embedding_are_one_hot_and_tell_architectures_apart(space):
    task = make_task("digits")
    built = make_search_space(space, task.input_shape, task.outputs)
    rng = np.random.default_rng(0)
    found = {str(a): one_hot(built, a) for a in (built.sample(rng) for _ in range(40))}
    assert len({vector.tobytes() for vector in found.values()}) == len(found)
    for vector in found.values():
        assert vector.sum() == len(built.variables)
        assert set(vector) <= {0.0, 1.0}


GRAPHS = {
    "mlp": (
        "relu-64 > tanh-16",
        "input_0 flatten_1 1_relu-64/linear_2 1_relu-64/relu_3 2_tanh-16/linear_4 2_tanh-16/tanh_5 "
        "output/linear_6",
    ),
    "conv": (
        "conv3-16-relu > max_pool + skip 0-2",
        "input_0 1_conv3-16-relu/conv_1 1_conv3-16-relu/batch_norm_2 1_conv3-16-relu/relu_3 "
        "2_max_pool/max_pool_4 skip_0-2/conv_5 skip_0-2/batch_norm_6 2_max_pool/add_7 "
        "output/global_avg_pool_8 output/linear_9",
    ),
    "cell": (
        "|avg_pool_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|",
        "input_0 stem/conv_1 stem/batch_norm_2 stage_1_cell_1/edge_0-1/avg_pool_3 "
        "stage_1_cell_1/edge_1-2/relu_4 stage_1_cell_1/edge_1-2/conv_5 stage_1_cell_1/edge_1-2/batch_norm_6 "
        "output/batch_norm_7 output/relu_8 output/global_avg_pool_9 output/linear_10",
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_boxes_of_a_graph_nest_as_the_parts_of_the_architecture(name):
    options = {"cell": {"channels": [8]}}.get(name, {})
    space = make_search_space({"name": name, **options}, (3, 8, 8), 10)
    text, expected = GRAPHS[name]
    assert " ".join(node.name for node in graph_of(space.network(space.parse(text))).node) == expected


def test_a_part_of_ones_own_is_one_box_whatever_its_words_are():
    builder = NetworkBuilder((4,))
    node = builder.linear(builder.input, 3, layer="my edge of a node 7")
    node = builder.activation(node, "relu", layer=("block 1", "branch 2", "gate"))
    graph = graph_of(builder.build(builder.linear(node, 2)))
    names = [node.name for node in graph.node]
    assert names == ["input_0", "my_edge_of_a_node_7/linear_1", "block_1/branch_2/gate/relu_2", "linear_3"]


@pytest.mark.parametrize("space", ["mlp", "conv", "cell"])
def test_a_graph_has_a_node_for_each_operation_and_its_links(space):
    task = make_task("digits")
    built = make_search_space(space, task.input_shape, task.outputs)
    rng = np.random.default_rng(3)
    for _ in range(10):
        network = built.network(built.sample(rng))
        graph = graph_of(network)
        names = [node.name for node in graph.node]
        assert len(set(names)) == len(network.nodes)
        for node, drawn in zip(network.nodes, graph.node, strict=True):
            assert list(drawn.input) == [names[index] for index in node.inputs]
            shape = [size.size for size in drawn.attr["_output_shapes"].list.shape[0].dim]
            assert shape == [-1, *node.shape]
        assert sum(drawn.attr["parameters"].i for drawn in graph.node) == network.parameters


def test_the_state_with_a_clock_is_a_row_of_its_own(tmp_path):
    env = Trace(fake_env(reward="final", horizon=3), tmp_path)
    space = env.unwrapped.search_space
    values = np.zeros(len(space.actions))
    env.watch(TabularPolicy(space, {State(space.smallest(), 3).key: values}))
    walk(env, 9)
    env.close()
    assert accumulated(tmp_path).Images("policy/heat_map")
