"""What must hold between the facts, sentences and tables of all sections of a report, whatever the run."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from nas_gym.explain import Section
from nas_gym.explain.fact import Fact, Verdict

LEVEL = 0.05
NO_NUMBER = re.compile(r"\bnan\b|\bNone\b(?! of)|-0\.0\b|\binf\b")
# A colon, "such as" or a bracket that nothing follows.
NO_LIST = re.compile(r":\s*(?:[.;,]|$)|such as\s*[.;,]|\(\s*\)|: ?and\b")
MORE = re.compile(r"^\d+ more$")
EFFECTS = ("difference", "deviation", "probability", "of the data")


Check = Callable[[Section], Iterable[str]]


def of_sections(sections: Sequence[Section]) -> Iterator[str]:
    """Yield every implication that does not hold in a section of a run or between two, in words."""
    yield from _of_each(sections, CHECKS)
    by_key = {section.key: section for section in sections}
    if {"summary", "alternatives"} <= set(by_key):
        yield from _reasons(by_key["summary"], by_key["alternatives"])
    if {"summary", "choices"} <= set(by_key):
        yield from _importances(by_key["summary"], by_key["choices"])
    if {"choices", "edits"} <= set(by_key):
        yield from _swaps(by_key["choices"], by_key["edits"])


def of_sections_together(sections: Sequence[Section]) -> Iterator[str]:
    """Yield every implication that does not hold in what several runs say together, in words."""
    yield from _of_each(sections, TOGETHER)
    page, choices = (next(one for one in sections if one.key == key) for key in ("summary", "choices"))
    shown = [fact.key.removeprefix("importance of ") for fact in choices.facts if fact.is_shown]
    if sorted(page.numbers["choices"]) != sorted(shown):
        yield f"the first page shows {page.numbers['choices']} and the section {shown}"
    yield from _counted_choices(" ".join(page.answer), len(shown))


def _of_each(sections: Sequence[Section], checks: Mapping[str, Check]) -> Iterator[str]:
    for section in sections:
        yield from _facts(section)
        yield from _words(section)
        for said in checks.get(section.key, lambda _: ())(section):
            yield f"{section.key}: {said}"
    yield from _between(sections)


def _facts(section: Section) -> Iterator[str]:
    """Every verdict follows from the interval and the test, by the rule written down here once more."""
    for key, count in Counter(fact.key for fact in section.facts).items():
        if count > 1:
            yield f"{section.key}: {count} facts are called {key!r}"
    if not all(map(_is_json, section.facts)):
        yield f"{section.key}: a fact is not JSON"
    for fact in section.facts:
        is_between = fact.low is not None and fact.high is not None and isinstance(fact.estimate, float)
        if is_between and not fact.low - 1e-9 <= fact.value <= fact.high + 1e-9:
            yield f"{section.key}: {fact.key}: {fact.estimate} is outside of {fact.low} to {fact.high}"
        if fact.verdict is not _expected(fact):
            yield f"{section.key}: {fact.key} is {fact.verdict!r}, which does not follow from it"


def _is_json(fact: Fact) -> bool:
    try:
        return bool(json.dumps(fact.as_dict(), allow_nan=False))
    except ValueError:
        return False


def _expected(fact: Fact) -> Verdict:
    if fact.estimate is None:
        return Verdict.UNKNOWN
    if any(word in fact.unit for word in EFFECTS) and not fact.unit.endswith("saw them"):
        if fact.low is None and fact.p is None:
            return Verdict.UNKNOWN
        beyond = fact.low is None or fact.high is None or fact.low > 0 or fact.high < 0
        return Verdict.SHOWN if beyond and (fact.p is None or fact.p <= LEVEL) else Verdict.NOT_SHOWN
    if fact.unit in ("score", "share of networks", "share of runs", "share of states", "share of earnings"):
        counted = fact.key == "loss if hidden"
        return Verdict.SHOWN if counted or fact.low is not None else Verdict.NOT_SHOWN
    return Verdict.SHOWN


def _words(section: Section) -> Iterator[str]:
    said = [*section.answer, *section.details, section.trust]
    if not section.answer or not all(section.answer):
        yield f"{section.key}: an answer of nothing"
    for text in said:
        plain = re.sub(r"`[^`]*`", "it", text.replace("**", ""))
        if NO_NUMBER.search(plain):
            yield f"{section.key}: a number that is none: {text}"
        if NO_LIST.search(plain):
            yield f"{section.key}: a list is announced and not given: {text}"
    if section.withheld and (len(section.answer) != 1 or section.has_finding):
        yield f"{section.key}: an answer is withheld and given"
    if not section.is_applicable and not section.withheld:
        yield f"{section.key}: what does not apply is answered"


def _between(sections: Sequence[Section]) -> Iterator[str]:
    """No two sections say different things of the same."""
    told: dict[tuple[str, str], tuple[str, Fact]] = {}
    for section in sections:
        for fact in section.facts:
            other, known = told.setdefault((fact.key, fact.of), (section.key, fact))
            if _said(known) != _said(fact):
                yield f"{other} and {section.key} disagree on {fact.key}: {_said(known)} and {_said(fact)}"


def _said(fact: Fact) -> tuple[Any, ...]:
    return fact.estimate, fact.low, fact.high, fact.verdict


def _reasons(summary: Section, alternatives: Section) -> Iterator[str]:
    """The reasons of the first page are those that the networks one change away show."""
    facts = {fact.key: fact for fact in alternatives.facts}
    for reason in summary.numbers.get("reasons", ()):
        if reason["cost"] is None:
            continue
        fact = facts.get(f"cost of {reason['choice']}")
        if fact is None or not fact.is_positive:
            yield f"{reason['choice']} is a reason and alternatives do not show that it costs anything"
        elif fact.estimate != reason["cost"]:
            yield f"undoing {reason['choice']} costs {reason['cost']} and {fact.estimate}"
    for fact in summary.facts:
        if fact.key.startswith("change by ") and fact.key not in facts:
            yield f"{fact.key} is told and not known"


def _importances(summary: Section, choices: Section) -> Iterator[str]:
    facts = {fact.key: fact for fact in choices.facts}
    for reason in summary.numbers.get("reasons", ()):
        key = f"importance of {reason['choice']}"
        fact = facts.get(f"{key} in the whole table", facts.get(key))
        is_told = fact is not None and reason["significant"] is not None
        if is_told and reason["significant"] is not fact.is_shown:
            yield f"{reason['choice']} matters in one section and not in another"


def _swaps(choices: Section, edits: Section) -> Iterator[str]:
    """A swap of a choice's options has an effect on average only if the choice has."""
    facts = {fact.key: fact for fact in choices.facts}
    for edit in edits.facts:
        swapped = re.match(r"effect of swap (.*?)(?:, anywhere,)? from ", edit.key)
        choice = facts.get(f"importance of {swapped[1]}") if swapped else None
        if choice is not None and edit.is_shown and choice.verdict is Verdict.NOT_SHOWN:
            yield f"{edit.key} is shown and {choice.key} is not"


def _choices(section: Section) -> Iterator[str]:
    text = " ".join((*section.answer, *section.details))
    known = {fact.key.removeprefix("importance of "): fact for fact in section.facts}
    own = {name: fact for name, fact in known.items() if not name.endswith(" in the whole table")}
    single = {name: fact for name, fact in own.items() if " x " not in name}
    pairs = {name: fact for name, fact in own.items() if " x " in name}
    shown = [name for name, fact in single.items() if fact.is_shown]
    if section.withheld:
        return
    if section.has_finding is not any(fact.is_shown for fact in own.values()):
        yield "a finding is told and none is shown, or the other way round"
    first = re.search(r"What matters most is (.*?): between", text)
    if bool(first) is not bool(shown):
        yield f"what matters most is announced wrongly: {shown}"
    if first and (first[1] not in shown or single[first[1]].value < max(single[n].value for n in shown)):
        yield f"{first[1]} is called most important, shown are {shown}"
    then = re.search(r"Then comes? (.*?)\.(?: |$)", text)
    for name in re.findall(r"([^,()]+?) \([\d.]+ points", then[1]) if then else ():
        if name.strip().removeprefix("and ") not in shown:
            yield f"{name} is called important and not shown"
    quiet = re.search(r"Not shown to matter on average: (.*?)\.(?: |$)", text)
    yield from _listed(quiet, single, lambda fact: fact.verdict is Verdict.NOT_SHOWN, bool(shown))
    unknown = re.search(r"Not determined by these evaluations: (.*?)\.(?: |$)", text)
    if bool(unknown) is not any(fact.verdict is Verdict.UNKNOWN for fact in single.values()):
        yield "what is not determined is announced wrongly"
    acting = sum(fact.is_shown for fact in pairs.values())
    none = re.search(r"No two of the choices are shown to interact \((\d+) pairs? tested", text)
    if none and (acting or int(none[1]) != len(pairs)):
        yield f"{none[0]}, shown are {acting} of {len(pairs)}"
    more = re.search(r"(\d+) more pairs? interact", text)
    if int(more[1] if more else 0) != max(0, acting - 1):
        yield f"{acting} pairs interact, told are {more and more[0]} beside the first"
    if ("interact: " in " ".join(section.answer)) is not bool(acting):
        yield "an interaction is announced wrongly"
    yield from _rows(section, "choices", single, "p")
    yield from _figure(section, shown)
    for one in section.numbers["choices"]:
        if one["significant"] is not single[one["name"]].is_shown:
            yield f"the number of {one['name']} says {one['significant']}"


def _listed(
    found: re.Match[str] | None, facts: dict[str, Fact], holds: Callable[[Fact], bool], is_due: bool
) -> Iterator[str]:
    """Everything that a list names, and as much as it names, holds."""
    wanted = [name for name, fact in facts.items() if holds(fact)]
    if bool(found) is not (bool(wanted) and is_due):
        yield f"a list of {wanted} is announced wrongly: {found and found[0]}"
    if not found:
        return
    names = [name for name in re.split(r", (?:and )?| and ", found[1]) if name]
    count = sum(int(name.split()[0]) if MORE.match(name) else 1 for name in names)
    if count != len(wanted) or any(name not in wanted for name in names if not MORE.match(name)):
        yield f"{found[0]} names others than {wanted}"


def _rows(section: Section, table: str, facts: dict[str, Fact], p: str) -> Iterator[str]:
    """The rows of a table have the interval and the p-value of the fact."""
    for one in section.tables:
        if one.name == table:
            for row in one.rows:
                cells = dict(zip(one.columns, row, strict=True))
                fact = facts[str(row[0])]
                if (cells["from"] is None) is not (fact.low is None):
                    yield f"the interval of {row[0]} is in the table or in the fact alone"
                if isinstance(cells[p], float) and abs(cells[p] - (fact.p or 0.0)) > 1e-4:
                    yield f"p of {row[0]} is {cells[p]} and {fact.p}"


def _figure(section: Section, shown: Iterable[str]) -> Iterator[str]:
    for figure in section.figures:
        told = re.search(r"Beyond chance: (.*)\.$", figure.alternative)
        if told and figure.name == "importances":
            for name in shown:
                if name not in told[1]:
                    yield f"the figure does not mark {name}"
            if told[1] == "none" and list(shown):
                yield "the figure marks nothing"


def _edits(section: Section) -> Iterator[str]:
    if section.withheld:
        return
    text, facts = " ".join((*section.answer, *section.details)), {fact.key: fact for fact in section.facts}
    if section.has_finding is not any(fact.is_shown for fact in facts.values()):
        yield "a finding is told and none is shown, or the other way round"
    for verb, holds in (("helps", "is_positive"), ("harms", "is_negative")):
        for told in re.findall(rf"What {verb} most, on average over the space, is to (.*?) \([-+]", text):
            if not getattr(facts[f"effect of {told}"], holds):
                yield f"{told} is said to be what {verb} most and is {facts[f'effect of {told}'].verdict}"
    unclear = re.search(r"For (\d+) (?:other )?kinds? of edit it is not clear", text)
    if int(unclear[1] if unclear else 0) != sum(f.verdict is Verdict.NOT_SHOWN for f in facts.values()):
        yield f"told are {unclear and unclear[0]}"
    unknown = re.search(r"For (\d+) kinds? the evaluated networks do not determine", text)
    if int(unknown[1] if unknown else 0) != sum(f.verdict is Verdict.UNKNOWN for f in facts.values()):
        yield f"told are {unknown and unknown[0]}"
    yield from _rows(section, "effects", {key.removeprefix("effect of "): f for key, f in facts.items()}, "p")


def _alternatives(section: Section) -> Iterator[str]:
    facts = {fact.key: fact for fact in section.facts}
    for one in section.numbers.get("neighbours", ()):
        fact, verdict = facts[f"change by {one['edit']}"], one["verdict"]
        wrong = {
            "improves": not fact.is_positive,
            "worse": not fact.is_negative,
            "breaks": not fact.is_negative,
            "unclear": fact.is_shown and abs(fact.value) > 0.02,
        }
        if wrong.get(verdict, False):
            yield f"{one['edit']} {verdict}, and its change is {fact.verdict}"
    text = " ".join(section.answer)
    better = section.numbers.get("verdicts", {}).get("improves", 0)
    if better and "is clearly better" in text and "None of the" in text:
        yield "none is called better and one is"
    for table in section.tables:
        if table.name == "neighbours":
            rows = {row[0]: row[-1] for row in table.rows}
            if rows != {one["edit"]: one["verdict"] for one in section.numbers["neighbours"]}:
                yield "the table has other verdicts"


def _network(section: Section) -> Iterator[str]:
    if section.withheld:
        return
    text, facts = " ".join(section.answer), {fact.key: fact for fact in section.facts}
    losses = [fact for key, fact in facts.items() if key.startswith("loss with ")]
    if "does most" in text and not any(fact.is_positive for fact in losses):
        yield "a layer is said to do most and no loss is shown"
    sureness = facts.get("sureness")
    for words, holds in (("too sure of itself", "is_positive"), ("not sure enough", "is_negative")):
        if words in text and (sureness is None or not getattr(sureness, holds)):
            yield f"it is called {words} and that is {sureness and sureness.verdict}"
    for words, holds in (("too high on average", "is_positive"), ("too low on average", "is_negative")):
        first = next((fact for key, fact in facts.items() if key.startswith("bias of ")), None)
        if words in text and (first is None or not getattr(first, holds)):
            yield f"answers are called {words} and that is {first and first.verdict}"


def _policy(section: Section) -> Iterator[str]:
    text = " ".join((*section.answer, *section.details))
    for fact in section.facts:
        if fact.key.startswith("recovered from "):
            start = fact.key.removeprefix("recovered from ")
            if fact.is_shown is (f"From {start} the rules alone earn" not in text):
                yield f"what rules earn from {start} is {fact.verdict} and told otherwise"


def _choices_together(section: Section) -> Iterator[str]:
    if section.withheld:
        return
    facts = {fact.key.removeprefix("importance of "): fact for fact in section.facts}
    shown = [name for name, fact in facts.items() if fact.is_shown]
    text = " ".join(section.answer)
    yield from _counted_choices(text, len(shown))
    quiet = re.search(r"Not shown to matter: (.*?)\.(?: |$)", text)
    yield from _listed(quiet, facts, lambda fact: fact.verdict is Verdict.NOT_SHOWN, bool(shown))
    for table in section.tables:
        if table.name == "together" and {row[0] for row in table.rows if row[1] == "shown"} != set(shown):
            yield f"the table shows others than {shown}"


def _counted_choices(text: str, shown: int) -> Iterator[str]:
    told = re.search(r"(\d+) choices? (?:is|are) shown to matter", text)
    if told and int(told[1]) != shown:
        yield f"{told[0]}, which are {shown}"
    if "none is shown to matter" in text and shown:
        yield f"none is called shown, which are {shown}"


def _agents_together(section: Section) -> Iterator[str]:
    facts = {fact.key: fact for fact in section.facts}
    for table in section.tables:
        for row in table.rows if table.name == "options" else ():
            fact = facts[f"{row[0]} on {row[1]} {row[2]} over the others"]
            if (row[-1] == "yes") is not fact.is_shown:
                yield f"the table says {row[-1]} of {fact.key}, which is {fact.verdict}"


TOGETHER: dict[str, Check] = {"choices": _choices_together, "agents": _agents_together}
CHECKS: dict[str, Check] = {
    "choices": _choices,
    "edits": _edits,
    "alternatives": _alternatives,
    "network": _network,
    "policy": _policy,
}
