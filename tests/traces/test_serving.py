"""Every tab that a run writes to answers through TensorBoard's HTTP endpoints."""

from __future__ import annotations

import io
import time

import gymnasium as gym
import pytest
from PIL import Image

from nas_gym.traces import Trace
from nas_gym.traces.tensorboard.tags import METRICS
from tests.helpers.fakes import SMALL, fake_env
from tests.helpers.serving import tensorboard
from tests.helpers.traced_runs import q_learning

Q, ASKS = "NAS-v0-mlp/q/seed0", "NAS-v0-mlp/asks/seed0"


def values_env():
    """An environment whose task is of values; nothing trains."""
    evaluator = {"name": "function", "function": "nas_gym.testing.agents:scattered"}
    return gym.make("NAS-v0", search_space=SMALL, task="diabetes", evaluator=evaluator, store="memory")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A TensorBoard with a run of Q-learning, on classes, and one of questions alone, on values."""
    folder = tmp_path_factory.mktemp("runs")
    config = {"budget": 12, "hyperparameters": {"alpha": 0.5}}
    env = Trace(fake_env(), folder / Q, agent="q", config=config)
    q_learning(env, 12)
    env.close()
    config = {"hyperparameters": {"population": 10}}
    asks = Trace(values_env(), folder / ASKS, agent="asks", config=config)
    space = asks.unwrapped.search_space
    asks.evaluate([space.architecture(index) for index in range(9)])
    asks.close()
    with tensorboard(folder) as server:
        yield server


def test_every_tab_that_is_written_is_listed(served):
    written = {"timeseries", "scalars", "custom_scalars", "images", "histograms", "distributions"}
    written |= {"text", "graphs", "hparams", "projector"}
    deadline = time.monotonic() + 30
    while True:
        # Some tabs find out in the background whether they have anything to show.
        missing = written - {name for name, tab in served.get("plugins_listing").items() if tab["enabled"]}
        if not missing:
            return
        assert time.monotonic() < deadline, missing
        time.sleep(0.1)


def test_there_is_one_run_per_folder_and_its_outcome_in_it(served):
    assert sorted(served.get("runs")) == sorted([Q, f"{Q}/outcome", ASKS, f"{ASKS}/outcome"])


@pytest.mark.parametrize(("run", "metric"), [(Q, "accuracy"), (ASKS, "R²")])
def test_what_readers_see_has_the_name_of_the_metric(served, run, metric):
    layout = served.get("plugin/custom_scalars/layout")
    titles = {chart["title"] for category in layout["category"] for chart in category["chart"]}
    assert f"{metric} and best so far, by distinct evaluation" in titles
    told = served.get("plugin/text/text", run=run, tag="0_look_here_first/text_summary")[0]["text"]
    assert f"coloured by {metric} (yellow is best)" in told
    assert f"Test {metric} is nowhere here" in told


def test_scalars(served):
    tags = served.get("plugin/scalars/tags")
    assert {"1_search/score", "4_steps/reward", "1_search/episode_return"} <= set(tags[Q])
    points = served.get("plugin/scalars/scalars", run=f"{Q}/outcome", tag="1_search/best_score")
    assert [step for _, step, _ in points] == list(range(1, 13))


def test_time_series(served):
    tags = served.get("plugin/timeseries/tags")
    assert "1_search/score" in tags["scalars"]["runTagInfo"][Q]
    assert "policy/start_state" in tags["histograms"]["runTagInfo"][Q]
    request = '[{"plugin":"scalars","tag":"1_search/best_score"}]'
    (answer,) = served.form("plugin/timeseries/timeSeries", requests=request)
    assert len(answer["runToSeries"][f"{ASKS}/outcome"]) == 9


def test_custom_scalars(served):
    layout = served.get("plugin/custom_scalars/layout")
    charts = [chart for category in layout["category"] for chart in category["chart"]]
    for chart in charts:
        found = [
            served.get("plugin/custom_scalars/scalars", run=run, tag=tag)
            for tag in chart["multiline"]["tag"]
            for run in (Q, ASKS, f"{Q}/outcome", f"{ASKS}/outcome")
        ]
        assert all(answer["regex_valid"] for answer in found)
        assert any(answer["tag_to_events"] for answer in found), chart["title"]


def test_images(served):
    tags = served.get("plugin/images/tags")
    policy = {"policy/heat_map", "policy/start_state_edits"}
    assert set(tags[Q]) == {"architectures/best_so_far", "architectures/top"} | policy
    assert set(tags[ASKS]) == {"architectures/best_so_far", "architectures/top"}
    for tag in tags[Q]:
        shown = served.get("plugin/images/images", run=Q, tag=tag, sample=0)
        image = served._open(f"/data/plugin/images/individualImage?{shown[-1]['query']}")
        assert Image.open(io.BytesIO(image)).width > 100


@pytest.mark.parametrize("plugin", ["histograms", "distributions"])
def test_histograms(served, plugin):
    assert set(served.get(f"plugin/{plugin}/tags")[Q]) == {"policy/start_state", "policy/visited_states"}
    points = served.get(f"plugin/{plugin}/{plugin}", run=Q, tag="policy/start_state")
    assert len(points) > 3


def test_each_bucket_of_a_histogram_is_one_action(served):
    _, _, buckets = served.get("plugin/histograms/histograms", run=Q, tag="policy/start_state")[-1]
    actions = len(fake_env().unwrapped.search_space.actions)
    assert [(left, right) for left, right, _ in buckets] == [(a - 0.5, a + 0.5) for a in range(actions)]
    assert sum(count for _, _, count in buckets) == pytest.approx(1)


def test_texts_are_rendered_as_tables(served):
    assert {"episodes/text_summary", "run/config/text_summary", "0_look_here_first/text_summary"} <= set(
        served.get("plugin/text/tags")[Q]
    )
    shown = served.get("plugin/text/text", run=Q, tag="episodes/text_summary")
    # TensorBoard puts each text into the one cell of a table of its own.
    assert shown[0]["text"].count("<td>") == 1 + 20 * 5
    asked = served.get("plugin/text/text", run=ASKS, tag="evaluations/text_summary")
    assert asked[0]["text"].count("<td>") == 1 + 9 * 6


def test_graphs(served):
    assert set(served.get("plugin/graphs/info")) == {Q, ASKS}
    graph = served.get("plugin/graphs/graph", run=Q).decode()
    assert graph.count("node {") >= 4
    assert "relu-64/linear" in graph


def test_hyperparameters_of_all_agents_with_the_final_metrics(served):
    query = {"experimentName": "", "hparamsLimit": 100, "includeMetrics": True}
    experiment = served.post("plugin/hparams/experiment", query)
    names = {info["name"] for info in experiment["hparamInfos"]}
    assert {"agent", "alpha", "population", "search_space", "task"} <= names
    metrics = [(info["name"]["tag"], info["name"]["group"]) for info in experiment["metricInfos"]]
    assert metrics == [(tag, "") for tag in METRICS]
    statuses = ["STATUS_SUCCESS", "STATUS_RUNNING", "STATUS_UNKNOWN", "STATUS_FAILURE"]
    metric = {"name": {"group": "", "tag": "1_search/best_score"}}
    query = {"experimentName": "", "allowedStatuses": statuses, "startIndex": 0, "sliceSize": 100}
    groups = served.post("plugin/hparams/session_groups", query | {"colParams": [{"metric": metric["name"]}]})
    sessions = [session for group in groups["sessionGroups"] for session in group["sessions"]]
    assert sorted(session["name"] for session in sessions) == sorted([f"{Q}/outcome", f"{ASKS}/outcome"])
    assert {session["status"] for session in sessions} == {"STATUS_SUCCESS"}
    for session in sessions:
        values = {value["name"]["tag"]: value["value"] for value in session["metricValues"]}
        points = served.get("plugin/scalars/scalars", run=session["name"], tag="1_search/best_score")
        assert set(values) == set(METRICS)
        assert values["1_search/best_score"] == pytest.approx(points[-1][2])


@pytest.mark.parametrize(("run", "metric", "points"), [(Q, "accuracy", 12), (ASKS, "R²", 9)])
def test_projector(served, run, metric, points):
    assert set(served.get("plugin/projector/runs")) == {Q, ASKS}
    embeddings = served.get("plugin/projector/info", run=run)["embeddings"]
    names = [one["tensorName"] for one in embeddings]
    assert names == [f"architectures by {metric}", "architectures, plain"]
    for name in names:
        table = served.get("plugin/projector/metadata", run=run, name=name).decode().splitlines()
        assert table[0].split("\t")[:2] == ["architecture", metric]
        assert len(table) == 1 + points
        assert served.get("plugin/projector/tensor", run=run, name=name)
    image = served.get("plugin/projector/sprite_image", run=run, name=names[0])
    assert image.startswith(b"\x89PNG")
