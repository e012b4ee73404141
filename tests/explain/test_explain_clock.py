"""An explanation with a limit by the clock: what is left out, what is said of it, what is always there."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from nas_agents.runs.run import RunSpec
from nas_agents.runs.run import run as run_agent
from typer.testing import CliRunner

from nas_gym._clock import Clock, check_time
from nas_gym.cli.app import app
from nas_gym.errors import NASGymError
from nas_gym.explain import Question, Section, Settings, explain, explain_evidence, questions, read_evidence
from nas_gym.explain.evidence.rescoring import SEEDS, control_seeds, measure
from nas_gym.explain.fact import Verdict
from nas_gym.explain.sections.alternatives.section import explain_alternatives
from nas_gym.explain.sections.choices.analysis import deletion_of
from nas_gym.explain.sections.network.section import explain_network
from tests.helpers.clock import fake_clock
from tests.helpers.explain.runs import depth_and_relus, recorded
from tests.helpers.fakes import fake_env


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("runs") / "run", budget=20)


@pytest.fixture
def time(monkeypatch):
    return fake_clock(monkeypatch)


def limited(run, time, minutes, seconds_each):
    """The run, whose further evaluations each take a time by the clock."""

    def slow(architecture, seed):
        time.time += seconds_each
        return depth_and_relus(architecture) + 1e-3 * (seed % 7)

    evidence = read_evidence(run)
    problem = fake_env(slow, evidence.search_space.config()).unwrapped
    return replace(evidence, problem=problem, clock=Clock(minutes))


def question(key, time, seconds, about="search"):
    def answer(evidence, settings):
        time.time += seconds
        return Section(key, f"What of {key}?", (f"{key} is answered",))

    return Question(key, f"What of {key}?", answer, about)


def test_a_question_that_would_begin_after_the_limit_is_left_out_with_a_sentence(run, time):
    evidence = replace(read_evidence(run), clock=Clock(2))
    told = []
    asked = [question("first", time, 100), question("second", time, 100), question("third", time, 1)]
    explanation = explain_evidence(evidence, None, asked, lambda number, text: told.append(text))
    answers = [explanation[key].answer[0] for key in ("first", "second", "third")]
    assert answers == [
        "first is answered",
        "second is answered",
        f"Left out after 2 minutes; `nas-gym explain {run}` without --minutes answers it.",
    ]
    assert explanation["third"].withheld
    assert told == ["What of first?", "What of second?"]
    assert explanation.summary.answer[0]
    assert "What of third?" in explanation.summary.answer[-1]
    facts = json.loads(json.dumps(explanation.as_dict()))["facts"]
    assert facts["limit by the clock"] == "2 minutes"
    assert facts["limit by the clock reached"] is True
    assert facts["questions left out for want of time"] == ["third"]
    assert facts["command for this report"] == f"nas-gym explain {run} --minutes 2"


def test_a_question_whose_answer_is_there_at_once_is_answered_after_the_limit(run, time):
    evidence = replace(read_evidence(run), clock=Clock(2))
    free = replace(question("free", time, 0), free=True)
    explanation = explain_evidence(evidence, None, [question("first", time, 200), free])
    assert explanation["free"].answer == ("free is answered",)
    assert {one.key for one in questions() if one.free} == {"usage", "costs"}


def test_a_question_that_has_begun_is_broken_off(run, time):
    def slow(evidence, settings):
        for _ in range(1000):
            time.time += 1
            check_time()
        raise AssertionError("the limit was not kept")

    begun = time.time
    evidence = replace(read_evidence(run), clock=Clock(2))
    explanation = explain_evidence(evidence, None, [Question("slow", "What of slow?", slow)])
    assert time.time - begun <= 1.2 * 120 + 1
    (section,) = explanation.sections
    assert section.answer == (
        f"Broken off to keep within 2 minutes; `nas-gym explain {run}` without --minutes answers it.",
    )
    assert section.withheld
    assert [(fact.key, str(fact.verdict)) for fact in section.facts] == [
        ("answer", "cannot be known for lack of time")
    ]
    assert explanation.facts["questions left out for want of time"] == ["slow"]
    assert "What of slow?" in explanation.summary.answer[-1]


def test_a_question_leaves_some_time_to_those_after_it(run, time):
    spent = {}

    def greedy(evidence, settings):
        begun = time.time
        try:
            for _ in range(1000):
                time.time += 1
                check_time()
        finally:
            spent[len(spent)] = time.time - begun
        raise AssertionError("the limit was not kept")

    evidence = replace(read_evidence(run), clock=Clock(10))
    asked = [Question(f"q{n}", f"What of {n}?", greedy) for n in range(4)]
    explanation = explain_evidence(evidence, None, asked)
    assert list(spent.values()) == [300, 200, 100]
    assert "Left out after" in explanation["q3"].answer[0]


def test_without_a_limit_nothing_is_broken_off(run, time):
    def answer(evidence, settings):
        time.time += 1e6
        check_time()
        return Section("slow", "What of slow?", ("answered",))

    explanation = explain_evidence(read_evidence(run), None, [Question("slow", "What of slow?", answer)])
    assert explanation["slow"].answer == ("answered",)
    time.time += 1e6
    check_time()  # outside of an explanation there is no limit


@pytest.fixture(scope="module", params=["classes", "values", "table"])
def trained(request, tmp_path_factory):
    """Runs whose explanation trains networks and looks into them, or has a table and a policy."""
    env = {
        "classes": {"task": "digits", "evaluator": {"name": "train", "recipe": {"epochs": 1}}},
        "values": {"task": "diabetes", "evaluator": {"name": "train", "recipe": {"epochs": 1}}},
        "table": {"task": "mnist1d", "evaluator": {"name": "table", "benchmark": "mlp"}},
    }[request.param]
    folder = tmp_path_factory.mktemp(request.param) / "run"
    run_agent(RunSpec("q-learning", 40, str(folder), 0, "NAS-v0", env | {"store": "memory"}))
    return folder


@pytest.mark.parametrize(
    "looks",
    [10, 200, *(pytest.param(looks, marks=pytest.mark.slow) for looks in (60, 800))],
)
def test_every_explanation_ends_near_its_limit_and_says_what_it_lacks(trained, monkeypatch, looks):
    time = fake_clock(monkeypatch, look=1)
    evidence = read_evidence(trained, "memory", Clock(looks / 60))
    begun = time.time
    explanation = explain_evidence(evidence, Settings(budget=20))
    # A question looks at the clock three times, however late it is.
    assert time.time - begun <= 1.2 * looks + 3 * len(list(questions()))
    assert explanation.summary.answer[0]
    lacking = [
        fact.of for each in explanation.all_sections for fact in each.facts if fact.verdict == Verdict.NO_TIME
    ]
    assert lacking
    told = " ".join(sentence for each in explanation.all_sections for sentence in each.answer)
    assert any(words in told for words in ("There was no time for", "Left out after", "Broken off to keep"))


def test_what_was_measured_of_a_network_is_told_without_what_there_was_no_time_for(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    env = {"task": "breast_cancer", "evaluator": {"name": "train", "recipe": {"epochs": 1}}}
    run_agent(RunSpec("random", 3, str(folder), 0, "NAS-v0", env | {"store": "memory"}))
    fake_clock(monkeypatch, look=1)
    parts = []
    for looks in (20, 640, 4000, 100_000):
        evidence = read_evidence(folder, "memory", Clock(looks / 60))
        with evidence.clock.breaking_off():
            section = explain_network(evidence)
        parts.append([fact.key for fact in section.facts if fact.verdict is Verdict.NO_TIME])
        for part in parts[-1]:
            assert part in section.answer[-1]
        json.dumps(section.numbers, allow_nan=False)
    assert parts[0][0] == "the shuffling of features"
    assert "what its layers contribute" in parts[0]
    assert parts[-1] == []
    assert all(len(after) <= len(before) for before, after in pairwise(parts))


def test_a_limit_that_is_not_reached_leaves_nothing_out(run, time):
    evidence = replace(read_evidence(run), clock=Clock(2))
    explanation = explain_evidence(evidence, None, [question("only", time, 1)])
    assert explanation.facts["limit by the clock reached"] is False
    assert explanation.facts["questions left out for want of time"] == []


def test_without_a_limit_nothing_is_said_of_one(run, time):
    explanation = explain_evidence(read_evidence(run), None, [question("only", time, 1e6)])
    assert not [name for name in explanation.facts if "clock" in name or "time" in name]


def test_that_an_agent_has_no_policy_is_nothing_that_time_would_tell(tmp_path, time):
    evidence = replace(read_evidence(recorded(tmp_path / "run", "random", budget=5)), clock=Clock(1))
    asked = [question("slow", time, 100), question("learned", time, 1, "agent")]
    explanation = explain_evidence(evidence, None, asked)
    assert not explanation["learned"].is_applicable
    assert "What of learned?" not in explanation.summary.answer[-1]


def test_trainings_end_near_the_limit_and_the_most_important_come_first(run, time):
    evidence = limited(run, time, 5, 10)
    begun = time.time
    section = explain_alternatives(evidence)
    assert 300 <= time.time - begun <= 400
    numbers = section.numbers
    assert numbers["chosen"]["score"] is not None
    assert (
        0 < len(numbers["neighbours"]) < len(evidence.search_space.neighbours(evidence.chosen.architecture))
    )
    assert all(one["seeds"] == SEEDS for one in numbers["neighbours"])
    whole = len(numbers["neighbours"]) + len(numbers["not_affordable"])
    assert whole == len(evidence.search_space.neighbours(evidence.chosen.architecture))
    assert any("not tested, for want of budget or time" in each for each in section.answer)
    # What was not drawn for want of time is no random network that failed.
    assert numbers["random"]["median"] is None or numbers["random"]["median"] > 0


def test_without_a_limit_all_is_trained_as_one_batch(run, time):
    evidence = limited(run, time, None, 10)
    batches = []
    evaluate = evidence.evaluator.evaluate
    evidence.evaluator.evaluate = lambda requests: batches.append(len(requests)) or evaluate(requests)
    chosen, *others = evidence.search_space.neighbours(evidence.chosen.architecture)
    found = measure(evidence, {chosen: control_seeds(len(others))} | dict.fromkeys(others, SEEDS))
    assert batches == [found.trainings] == [control_seeds(len(others)) + SEEDS * len(others)]
    assert not found.left_out


def test_a_limit_changes_no_score(run, time):
    architectures = {one.architecture: SEEDS for one in read_evidence(run).succeeded[:12]}
    whole = measure(limited(run, time, None, 1), architectures)
    parts = measure(limited(run, time, 10, 1), architectures)
    assert {text: list(scores) for text, scores in whole.scores.items()} == {
        text: list(scores) for text, scores in parts.scores.items()
    }


def test_a_deletion_test_is_made_of_all_neighbours_or_not_at_all(run, time):
    names = list(read_evidence(run).search_space.variables)
    assert deletion_of(limited(run, time, None, 10), names, None) is not None
    assert deletion_of(limited(run, time, 2, 10), names, None) is None


def test_a_limit_is_of_one_run_and_above_0(run):
    with pytest.raises(NASGymError, match="pass one, not several"):
        explain(run, run, minutes=1)
    with pytest.raises(NASGymError, match="minutes must be a number above 0"):
        explain(run, minutes=0)


def command(*arguments):
    return CliRunner().invoke(
        app, ["explain", "--store", "memory", *map(str, arguments)], catch_exceptions=False
    )


def test_the_command_takes_minutes_and_tells_each_stage_in_a_line(run, tmp_path, monkeypatch):
    fake_clock(monkeypatch, look=30)
    result = command(run, "--minutes", "0.1", "--out", tmp_path)
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    stages = len(list(questions())) + 2
    assert lines[0] == f"1 of {stages}: Reading the run (0:00)"
    assert lines[-1].startswith(f"{stages} of {stages}: Writing the report (0:")
    facts = json.loads((tmp_path / "explanation.json").read_text())["facts"]
    assert facts["limit by the clock reached"] is True
    assert "Not known:" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--minutes", "0"], "--minutes must be a number of minutes above 0, not 0"),
        (["--minutes", "-2"], "--minutes must be a number of minutes above 0, not -2"),
        (["--minutes", "1", "--every", "3"], "--minutes is of a run that is explained once"),
    ],
)
def test_a_limit_that_does_not_fit_is_refused_in_a_sentence(run, arguments, sentence):
    result = command(run, *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert sentence in line
    assert "one folder, not two" in command(run, run, "--minutes", "1").stderr
