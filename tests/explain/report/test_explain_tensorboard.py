"""The explanation in TensorBoard, as its server gives it to each tab."""

from __future__ import annotations

import time

import pytest

from nas_gym.explain import explain_evidence, read_evidence, write_explanation
from nas_gym.explain.registry import QUESTIONS
from nas_gym.traces.tensorboard.tags import METRICS
from tests.helpers.explain import sections
from tests.helpers.explain.runs import recorded
from tests.helpers.serving import tensorboard

RUN = "q-learning/seed0/explanation"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("logs")
    folder = recorded(logdir / "q-learning" / "seed0")
    evidence = read_evidence(folder)
    write_explanation(evidence, explain_evidence(evidence, None, sections.questions(withhold="policy")))
    with tensorboard(logdir) as server:
        wait_for_events(server)
        yield server, folder


def wait_for_events(server):
    """A run is listed before its events are read."""
    deadline = time.monotonic() + 60
    while RUN not in server.get("plugin/text/tags"):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_explanation_is_a_run_of_its_own_beside_the_search(served):
    assert set(served[0].get("runs")) == {"q-learning/seed0", "q-learning/seed0/outcome", RUN}


def test_every_section_is_a_text_in_the_order_of_the_report(served):
    server, _ = served
    tags = sorted(server.get("plugin/text/tags")[RUN])
    assert [tag.split("/")[0].split("_", 1)[1] for tag in tags] == ["summary", *QUESTIONS]
    (text,) = server.get("plugin/text/text", run=RUN, tag=tags[1])
    assert "<td" in text["text"]
    assert "How far to trust this." in text["text"]
    assert "<script" not in text["text"]


def test_every_figure_is_an_image_with_its_caption(served):
    server, _ = served
    images = server.get("plugin/images/tags")[RUN]
    tag = f"{list(QUESTIONS).index('choices') + 1}_choices/bars"
    assert "Longer bars matter more." in images[tag]["description"]
    (image,) = server.get("plugin/images/images", run=RUN, tag=tag, sample=0)
    assert server.get(f"plugin/images/individualImage?{image['query']}").startswith(b"\x89PNG")


def test_accuracies_are_histograms_by_the_options_of_each_choice(served):
    server, folder = served
    tags = server.get("plugin/histograms/tags")[RUN]
    space = read_evidence(folder).search_space
    assert set(tags) == {"accuracies/all", *(f"accuracies/by {name}" for name in space.variables)}
    ((_, _, buckets),) = server.get("plugin/histograms/histograms", run=RUN, tag="accuracies/all")
    assert sum(count for _, _, count in buckets) == 50
    assert tags["accuracies/by depth"]["displayName"].startswith("by depth: 0 = 1, 1 = 2")
    assert (
        "Slices: the options of depth by their number: 0 = 1, " in tags["accuracies/by depth"]["description"]
    )
    by_depth = server.get("plugin/histograms/histograms", run=RUN, tag="accuracies/by depth")
    assert len(by_depth) == len(space.variables["depth"].choices)


def test_the_metrics_beside_the_hyperparameters_are_those_of_the_run_alone(served):
    """TensorBoard counts the scalars of a run inside that of the hyperparameters as metrics of theirs."""
    server, _ = served
    query = {"experimentName": "", "hparamsLimit": 100, "includeMetrics": True}
    metrics = server.post("plugin/hparams/experiment", query)["metricInfos"]
    assert [(each["name"]["tag"], each["name"]["group"]) for each in metrics] == [
        (tag, "") for tag in METRICS
    ]
    assert RUN not in server.get("plugin/scalars/tags")


def test_the_projector_knows_the_verdict_on_each_architecture(served):
    server, folder = served
    info = server.get("plugin/projector/info", run=RUN)
    name = info["embeddings"][0]["tensorName"]
    lines = server.get("plugin/projector/metadata", run=RUN, name=name).decode().splitlines()
    assert lines[0].split("\t") == [
        "architecture",
        "accuracy",
        "verdict",
        "edits from the found network",
        "order",
    ]
    assert len(lines) == 51
    chosen = str(read_evidence(folder).chosen.architecture)
    (found,) = [line.split("\t") for line in lines if "found network\t0" in line]
    assert found[0] == chosen
