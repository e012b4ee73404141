"""What an explanation is made of: a question, its answer in words, the evidence, how far to trust it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nas_gym._checks import plain
from nas_gym.explain.fact import Fact, as_dicts

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.tasks import Metric

Cell = str | float | int | None
About = Literal["network", "search", "agent"]
FORMAT = 2
"""Of `explanation.json`; format 1 held accuracies by that name where format 2 holds scores."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words and numbers.

    Attributes:
        name: name for files and tags, unique in its section.
        caption: what the rows are, in a sentence.
        columns: heads of the columns.
        rows: a cell for each column; None where there is none.
        shown: rows that a report shows before it folds the rest away.
    """

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    shown: int = 12


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture that is drawn when it is needed, in the colours of the page it is for.

    Attributes:
        name: name for files and tags, unique in its section.
        caption: what is seen and what follows from it, in words.
        alternative: text for readers who cannot see the figure: the numbers that matter, in a sentence.
        draw: function that draws on an empty canvas, under the style that is set (see
            `nas_gym.explain.report.style`).
        size: width and height, inches.
        narrow_height: height where it is drawn again for a phone, inches; None for the same.
    """

    name: str
    caption: str
    alternative: str
    draw: Callable[[Canvas], None]
    size: tuple[float, float] = (7.0, 4.0)
    narrow_height: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One explanation of a run.

    Attributes:
        key: key of the section in `explanation.json` and in tags: ``"choices"``, ``"edits"``, ...
        question: question that it answers, the title.
        answer: sentences in plain words, the most important first; a withheld answer says why. Where
            nothing was found out, one sentence says so.
        details: sentences for those who want to know more, which a page folds away.
        trust: how far the answer can be trusted and why, in a sentence.
        tables: evidence in rows.
        figures: evidence in pictures.
        numbers: every number of the section, JSON-able, without NaN.
        withheld: whether an answer is missing for this run (no policy, too few evaluations, ...).
        has_finding: whether the answer tells something, so that a page shows its first figure.
        is_applicable: whether the question makes sense for the run; that an agent without a policy has none
            is not something unknown.
        facts: what the section knows, see `nas_gym.explain.fact`.
        about: part of the report that it stands in: the found network, the search, or the agent.
        method: heading in `docs/explanations.md` of how it is computed and when it fails; "" for none.
    """

    key: str
    question: str
    answer: tuple[str, ...]
    trust: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    withheld: bool = False
    is_applicable: bool = True
    facts: tuple[Fact, ...] = ()
    about: About = "search"
    details: tuple[str, ...] = ()
    has_finding: bool = True
    method: str = ""


def withheld(
    key: str,
    question: str,
    why: str,
    numbers: Mapping[str, Any] | None = None,
    *,
    is_applicable: bool = True,
) -> Section:
    """Return a section that says in a sentence why it has no answer."""
    told = dict(numbers or {}) | {"withheld": why}
    return Section(
        key,
        question,
        (why,),
        numbers=told,
        withheld=True,
        is_applicable=is_applicable,
        has_finding=False,
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The budget and the seed of the explanations of a run.

    Attributes:
        budget: number of evaluations that an explanation may request beyond the run's; None for the
            default of each, 0 for none.
        seed: seed of every random draw.
    """

    budget: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "budget", plain(self.budget))
        object.__setattr__(self, "seed", plain(self.seed))


DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a run, and the function that answers it.

    Attributes:
        key: name of its section in `explanation.json` and in tags, a word.
        text: the question as a report shows it.
        explain: function from the evidence of a run (`nas_gym.explain.Evidence`) and the settings to
            the section, whose key and question are those above; a `NASGymError` withholds the answer.
        about: part of the report that the section stands in.
        method: heading in `docs/explanations.md` of how the section is computed and when it fails.
        free: whether the answer is there at once, so that no limit by the clock leaves the question out; what
            it computes may still be broken off.
    """

    key: str
    text: str
    explain: Callable[[Any, Settings], Section]
    about: About = "search"
    method: str = ""
    free: bool = False

    def __call__(self, evidence: Any, settings: Settings) -> Section:
        """Answer the question for a run."""
        return replace(self.explain(evidence, settings), about=self.about, method=self.method)


@dataclass(frozen=True, slots=True)
class Explanation:
    """All explanations of a run.

    Attributes:
        run: folder of the run.
        title: environment, space, task and agent in words.
        summary: the page in plain words; the first section of a report.
        sections: the explanations in the order of a report.
        metric: what the scores of the run are.
        facts: facts of the run: versions, seeds, budget, command; JSON-able.
        report: the web page that was written; None if none was.
    """

    run: str
    title: str
    summary: Section
    sections: tuple[Section, ...]
    metric: Metric
    facts: Mapping[str, Any] = field(default_factory=dict)
    report: Path | None = None

    def __getitem__(self, key: str) -> Section:
        """Return a section by its key."""
        return {section.key: section for section in self.all_sections}[key]

    @property
    def all_sections(self) -> Sequence[Section]:
        """The summary and the other sections."""
        return (self.summary, *self.sections)

    def as_dict(self) -> dict[str, Any]:
        """Return every number and every sentence, JSON-able: the contents of `explanation.json`."""
        return {
            "format": FORMAT,
            "run": self.run,
            "title": self.title,
            "metric": self.metric.name,
            "facts": dict(self.facts),
            "sections": {
                section.key: {
                    "question": section.question,
                    "answer": list(section.answer),
                    "details": list(section.details),
                    "trust": section.trust,
                    "withheld": section.withheld,
                    "has_finding": section.has_finding,
                    "facts": as_dicts(section.facts),
                    "numbers": dict(section.numbers),
                }
                for section in self.all_sections
            },
        }
