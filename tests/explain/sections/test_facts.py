"""What may be said of a fact is decided once, and the checker of reports finds what contradicts it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from nas_gym.explain import Explanation, explain_evidence, read_evidence
from nas_gym.explain.fact import Fact, Standing, Verdict, difference, measured, standing_of, verdict_of
from tests.helpers.explain.checker import contradictions
from tests.helpers.explain.runs import recorded


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [
        (0.1, 0.2, None, Verdict.SHOWN),
        (-0.2, -0.1, 0.05, Verdict.SHOWN),
        (-0.1, 0.2, None, Verdict.NOT_SHOWN),
        (-0.1, 0.2, 0.01, Verdict.NOT_SHOWN),
        (0.1, 0.2, 0.06, Verdict.NOT_SHOWN),
        (None, None, 0.01, Verdict.SHOWN),
        (None, None, 0.5, Verdict.NOT_SHOWN),
        (None, None, None, Verdict.UNKNOWN),
        (float("nan"), 0.2, None, Verdict.UNKNOWN),
        (float("-inf"), float("inf"), None, Verdict.UNKNOWN),
    ],
)
def test_an_effect_is_shown_by_its_interval_and_its_test(low: Any, high: Any, p: Any, said: Verdict) -> None:
    assert verdict_of(low, high, p) is said
    assert difference("a", "b", "c", 0.15, low, high, 1, p=p).verdict is said
    assert difference("a", "b", "c", None, low, high, 1, p=p).verdict is Verdict.UNKNOWN


def test_what_is_shown_has_a_sign() -> None:
    assert difference("a", "b", "c", 0.2, 0.1, 0.3, 1).is_positive
    assert difference("a", "b", "c", -0.2, -0.3, -0.1, 1).is_negative
    assert not difference("a", "b", "c", 0.2, -0.1, 0.3, 1).is_positive
    assert measured("a", "b", "c", 0.2, None, None, 1).verdict is Verdict.NOT_SHOWN


def test_without_an_interval_nothing_is_said_beside_a_margin() -> None:
    assert standing_of(None, None, 0.01) is Standing.UNCLEAR
    assert json.dumps(standing_of(-0.05, -0.02, 0.01)) == '"breaks"'


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    """A run in which some choices and edits matter, and some do not."""
    folder = recorded(tmp_path_factory.mktemp("runs") / "run", budget=70)
    return explain_evidence(read_evidence(folder))


def sections_of(explained: Explanation) -> dict[str, Any]:
    return {section.key: section for section in explained.sections}


def found_in(explained: Explanation, key: str, **changes: Any) -> list[str]:
    """What the checker finds where a section is another."""
    sections = sections_of(explained)
    if key == "summary":
        return contradictions(replace(explained.summary, **changes), sections)
    return contradictions(explained.summary, sections | {key: replace(sections[key], **changes)})


def with_fact(facts: tuple[Fact, ...], start: str, which: Verdict, **changes: Any) -> tuple[Fact, ...]:
    """The facts, the first of a name and a verdict changed."""
    number = next(n for n, one in enumerate(facts) if one.key.startswith(start) and one.verdict is which)
    return (*facts[:number], replace(facts[number], **changes), *facts[number + 1 :])


def test_every_section_holds_its_facts_in_json(explained: Explanation) -> None:
    assert contradictions(explained.summary, sections_of(explained)) == []
    told = json.loads(json.dumps(explained.as_dict(), allow_nan=False))["sections"]
    for key in ("summary", "alternatives", "choices", "edits", "moments", "policy", "attention"):
        section = explained[key]
        assert section.withheld or told[key]["facts"], key
        assert [one["key"] for one in told[key]["facts"]] == [fact.key for fact in section.facts]


def test_the_checker_finds_a_verdict_that_does_not_follow(explained: Explanation) -> None:
    facts = explained["choices"].facts
    wrong = with_fact(facts, "importance", Verdict.NOT_SHOWN, verdict=Verdict.SHOWN)
    assert any("does not follow" in said for said in found_in(explained, "choices", facts=wrong))


def test_the_checker_finds_two_sections_that_disagree(explained: Explanation) -> None:
    for key, start in (("summary", "cost of"), ("summary", "change by"), ("alternatives", "cost of")):
        facts = explained[key].facts
        wrong = with_fact(facts, start, Verdict.SHOWN, low=None, high=None, verdict=Verdict.UNKNOWN)
        assert any("disagree on" in said for said in found_in(explained, key, facts=wrong)), key


def test_the_checker_finds_a_reason_that_nothing_shows(explained: Explanation) -> None:
    reason = explained.summary.numbers["reasons"][0]["choice"]
    facts = tuple(one for one in explained["alternatives"].facts if one.key != f"cost of {reason}")
    found = found_in(explained, "alternatives", facts=facts)
    assert f"{reason} is a reason and alternatives do not show that it costs anything" in found


def test_the_checker_finds_an_edit_that_helps_where_its_choice_does_not_matter(
    explained: Explanation,
) -> None:
    edits = [one for one in explained["edits"].facts if one.is_shown and "swap layer" in one.key]
    name = edits[0].key.removeprefix("effect of swap ").split(" from ")[0]
    facts = with_fact(
        explained["choices"].facts,
        f"importance of {name}",
        Verdict.SHOWN,
        p=0.5,
        verdict=Verdict.NOT_SHOWN,
    )
    found = found_in(explained, "choices", facts=facts)
    assert any(said.endswith(f"is shown and importance of {name} is not") for said in found)


@pytest.mark.parametrize(
    ("key", "told", "lie"),
    [
        ("choices", "What matters most is ", "What matters most is not "),
        ("choices", "Then come", "Then come layer 1 width (1.0 points, best 16), "),
        ("choices", "Not shown to matter on average: ", "Not shown to matter on average: depth and "),
        ("edits", "What helps most", "What harms most"),
        ("edits", "kinds of edit it is not clear", "kinds are not clear"),
        ("moments", "Step ", "Steps: . Step "),
        ("policy", "rules", "nan rules"),
        ("alternatives", "one change away", "such as . One change away"),
    ],
)
def test_the_checker_finds_a_sentence_that_says_something_else(
    explained: Explanation, key: str, told: str, lie: str
) -> None:
    section = explained[key]
    assert told in " ".join((*section.answer, *section.details))
    wrong = {
        part: tuple(text.replace(told, lie) for text in getattr(section, part))
        for part in ("answer", "details")
    }
    assert found_in(explained, key, **wrong)


@pytest.mark.parametrize("key", ["choices", "edits"])
def test_the_checker_finds_a_finding_that_is_none(explained: Explanation, key: str) -> None:
    assert found_in(explained, key, has_finding=not explained[key].has_finding)


def test_the_checker_finds_a_table_that_says_something_else(explained: Explanation) -> None:
    for key in ("alternatives", "choices", "edits"):
        table, *others = explained[key].tables
        column = {"alternatives": -1, "choices": 4, "edits": 4}[key]
        rows = tuple(
            (*row[:column], "improves" if key == "alternatives" else 0.77, *row[column:][1:])
            for row in table.rows
        )
        assert found_in(explained, key, tables=(replace(table, rows=rows), *others)), key
