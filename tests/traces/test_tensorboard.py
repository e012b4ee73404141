"""What TensorBoard is given, read from the event files without a server."""

from __future__ import annotations

import io

import gymnasium as gym
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
from nas_gym.traces.tensorboard.heat_map import ILLEGAL, heat_map, heat_map_edits
from nas_gym.traces.tensorboard.line_chart import LINES, line_chart
from nas_gym.traces.tensorboard.network_graph import graph_of
from nas_gym.traces.tensorboard.picture import SHOWN_WIDTH, Picture
from nas_gym.traces.tensorboard.policy_digest import decision_scalars
from nas_gym.traces.tensorboard.tables import Row, code, episode_table, table
from nas_gym.traces.tensorboard.tags import METRICS
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


@pytest.fixture(scope="module")
def outcome(learned):
    """The events of the run inside it, which HParams shows."""
    return accumulated(learned[0] / "outcome")


def series(events, tag):
    return [(event.step, event.value) for event in events.Scalars(tag)]


def histograms(events, tag):
    return [make_ndarray(event.tensor_proto) for event in events.Tensors(tag)]


def strings(events, tag):
    return [event.tensor_proto.string_val[0].decode() for event in events.Tensors(f"{tag}/text_summary")]


def test_scalars_of_every_step_agree_with_the_trace(learned, outcome):
    folder, _, _, events = learned
    steps = read_trace(folder / "trace.jsonl").steps
    numbered = list(enumerate(steps, start=1))
    assert series(events, "4_steps/reward") == [(n, pytest.approx(s.reward)) for n, s in numbered]
    assert series(events, "4_steps/score") == [(n, pytest.approx(s.score)) for n, s in numbered]
    assert {value for _, value in series(events, "2_cost/stored_hits")} == {0.0}
    assert [value for _, value in series(events, "train/epsilon")] == pytest.approx([0.4] * len(steps))
    before = [0, *(step.unique for step in steps)]
    fresh = [(n, s.unique) for (n, s), known in zip(numbered, before, strict=False) if s.unique > known]
    assert series(outcome, "2_cost/distinct_evaluations") == fresh


def test_evaluations_are_numbered_as_the_budget_counts_them(learned, outcome):
    _, env, _, events = learned
    history = env.unwrapped.ledger.history
    scores = [evaluation.score for evaluation in history]
    numbers = range(1, len(scores) + 1)
    assert series(events, "1_search/score") == [
        (number, pytest.approx(score)) for number, score in zip(numbers, scores, strict=True)
    ]
    best = np.maximum.accumulate(scores)
    assert series(outcome, "1_search/best_score") == [
        (number, pytest.approx(score)) for number, score in zip(numbers, best, strict=True)
    ]
    seconds = series(outcome, "2_cost/recorded_seconds")
    assert seconds[-1] == (len(scores), pytest.approx(env.unwrapped.ledger.stats.cost))
    (chosen,) = [each for each in history if each.architecture == env.unwrapped.ledger.best.architecture]
    assert series(outcome, "3_size/parameters_of_the_best")[-1][1] == chosen.parameters


def test_the_scalars_are_these_and_the_search_comes_first(learned, outcome):
    _, _, _, events = learned
    tags = [tag for tag in events.Tags()["scalars"] if not tag.startswith("policy_start_state/")]
    assert sorted(tags) == [
        "1_search/episode_return",
        "1_search/score",
        "2_cost/stored_hits",
        "3_size/parameters",
        "4_steps/best_score_of_the_episode",
        "4_steps/reward",
        "4_steps/score",
        "policy/best_q_value",
        "policy/q_value_gap",
        "train/epsilon",
    ]
    assert sorted(outcome.Tags()["scalars"]) == list(METRICS)
    for one in (events, outcome):
        assert [tag for tag in one.Tags()["scalars"] if len(one.Scalars(tag)) < 2] == []


def test_the_first_text_says_where_to_look(learned):
    _, _, _, events = learned
    texts = [tag for tag in events.Tags()["tensors"] if tag.endswith("/text_summary")]
    assert sorted(texts)[0] == "0_look_here_first/text_summary" < "0_summary/"
    (text,) = strings(events, "0_look_here_first")
    tabs = ["SCALARS", "CUSTOM SCALARS", "IMAGES", "GRAPHS", "TEXT", "PROJECTOR", "HISTOGRAMS", "HPARAMS"]
    assert [tab for tab in tabs if tab not in text] == []
    assert "best accuracy so far" in text
    assert "Test accuracy is nowhere here" in text


def test_a_histogram_tells_which_edit_each_bucket_is(learned):
    _, env, _, events = learned
    for tag in ("policy/start_state", "policy/visited_states"):
        told = events.summary_metadata[tag].summary_description
        for number, action in enumerate(env.unwrapped.search_space.actions):
            assert f"{number} {action}" in told


def test_the_best_networks_have_their_learning_curves(tmp_path):
    env = Trace(gym.make("NASTable-MLP-v0"), tmp_path)
    space = env.unwrapped.search_space
    env.evaluate([space.sample(np.random.default_rng(seed)) for seed in range(12)])
    top = env.unwrapped.ledger.top(5)
    env.close()
    events = accumulated(tmp_path)
    tags = sorted(tag for tag in events.Tags()["scalars"] if tag.startswith("5_learning_curves/"))
    assert tags == [f"5_learning_curves/{rank} {one.architecture}" for rank, one in enumerate(top, start=1)]
    for tag, one in zip(tags, top, strict=True):
        assert series(events, tag) == [
            (epoch, pytest.approx(score)) for epoch, score in enumerate(one.curve, start=1)
        ]
    (layout,) = (event.tensor_proto for event in events.Tensors("custom_scalars__config__")[-1:])
    assert b"learning curves of the best networks: accuracy by epoch" in layout.string_val[0]
    picture = Image.open(io.BytesIO(events.Images("architectures/learning_curves")[-1].encoded_image_string))
    colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 16)}
    assert set(LINES[:5]) <= colours


def test_without_curves_there_is_no_chart_of_them(learned):
    _, _, _, events = learned
    assert not any("learning_curves" in tag for tag in events.Tags()["scalars"] + events.Tags()["images"])
    layout = events.Tensors("custom_scalars__config__")[-1].tensor_proto.string_val[0]
    assert b"learning curves" not in layout
    assert b"accuracy and best so far" in layout


def test_an_episodes_return_is_the_sum_of_its_rewards_and_cut_episodes_have_none(learned):
    folder, _, _, events = learned
    steps = read_trace(folder / "trace.jsonl").steps
    episodes = {step.episode for step in steps if step.truncated}
    returns = [sum(step.reward for step in steps if step.episode == episode) for episode in sorted(episodes)]
    assert [value for _, value in series(events, "1_search/episode_return")] == pytest.approx(returns)
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


def test_hyperparameters_stand_beside_the_four_metrics_alone(learned, outcome):
    assert "_hparams_/session_start_info" not in learned[3].summary_metadata
    events = outcome
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
    assert len(METRICS) == 4


def test_images_show_the_heat_map_and_the_best_architectures(learned):
    _, _, _, events = learned
    assert set(events.Tags()["images"]) == {
        "architectures/best_so_far",
        "architectures/top",
        "policy/heat_map",
        "policy/start_state_edits",
    }
    for tag in events.Tags()["images"]:
        pixels = np.asarray(Image.open(io.BytesIO(events.Images(tag)[-1].encoded_image_string)))
        assert pixels.std() > 5
        assert pixels.shape[1] == SHOWN_WIDTH
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
    outcome = accumulated(tmp_path / "outcome")
    known, firsts = set(), []
    for number, ask in enumerate(asks, start=1):
        if ask.architecture not in known:
            known.add(ask.architecture)
            firsts.append((number, len(known)))
    assert series(outcome, "2_cost/distinct_evaluations") == firsts
    assert len(series(events, "1_search/score")) == len(known)
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
    assert len(events.Scalars("4_steps/reward")) == 2000


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
    labels = (["a", "b"], [1, 1], ["edit"] * 200, "probabilities")
    narrow = heat_map(np.zeros((2, 200)), masks, *labels)
    wide = heat_map(np.zeros((2, 200)), masks | True, *labels)
    assert narrow.shape[1] == wide.shape[1] == SHOWN_WIDTH
    assert narrow.shape[0] < wide.shape[0] < 400


def test_the_best_edit_of_each_state_is_never_left_out():
    scores = np.zeros((5, 200))
    best = [199, 150, 100, 50, 3]
    scores[range(5), best] = [0.1, 0.9, 0.2, 0.3, 0.4]
    assert set(best) <= set(heat_map_edits(scores).tolist())


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5], [0.0, 1.0]])
def test_a_line_chart_fits_the_tab_whatever_its_values_and_names(values):
    lines = {"long name " * 20: list(enumerate(values)), "b": [(0, 0.5)]}
    assert line_chart(lines, "title " * 40, "epoch").indices.shape[1] == SHOWN_WIDTH


def test_a_picture_that_is_too_wide_is_made_smaller():
    wide = Picture(np.zeros((100, 2 * SHOWN_WIDTH), np.uint8), np.array([[255, 255, 255]], np.uint8))
    content, width, height = wide.shown()
    assert (width, height) == (SHOWN_WIDTH, 50) == Image.open(io.BytesIO(content)).size


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
