"""What all runs say together: the first page, in sentences, each with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator

from nas_gym.explain.evidence.rescoring import SEEDS
from nas_gym.explain.report.phrases import capital, counted, listed, unsigned
from nas_gym.explain.sections.together.findings import Findings, some, trainings_of
from nas_gym.explain.sections.together.text_agents import by_agent, where_agents_look
from nas_gym.explain.sections.together.text_choices import in_common, what_one_run_tells, which_choices

LEAST_SHOWN = 0.0005
"""A difference that rounds to a tenth of a point."""


def first_page(found: Findings) -> tuple[str, ...]:
    """Return the paragraphs of the first page."""
    return (
        _found(found),
        _quote(found),
        " ".join(["**How often it is found.**", *as_good(found), *by_agent(found)]),
        " ".join(["**Which choices matter.**", *which_choices(found), *what_one_run_tells(found)]),
        " ".join(["**What the best have in common.**", *in_common(found)]),
        " ".join(["**Where the agents look.**", *where_agents_look(found)]),
        _unknown(found),
    )


def trust(found: Findings) -> str:
    """Return how far the first page can be trusted."""
    together = found.together
    sentences = [
        "Differences between agents are tested over runs, all at once: of agents that are the same about one "
        "comparison in twenty says that they differ.",
        "What is said of choices holds for networks of the whole space on average, by evaluations that each "
        "count once however many runs made them.",
        "All this is about these data and this way of training.",
    ]
    if together.evidence.evaluator.table is None and found.best.best.change.evidence <= SEEDS:
        sentences.insert(0, "The best network is the best by few trainings: others may be as good.")
    return " ".join(sentences)


def _found(found: Findings) -> str:
    together, best = found.together, found.best.best
    space, task = together.evidence.search_space, together.evidence.problem.task
    words = capital(space.describe(best.architecture).words)
    size = _size(found)
    tried = len({str(one.architecture) for one in together.evidence.seen})
    agents = together.agents
    who = f"{len(agents)} agents ({listed(agents)})" if len(agents) > 1 else f"the agent {agents[0]}"
    chosen = len(best.kept_by)
    how = "by no run" if not chosen else f"by {counted(chosen, 'run')}"
    return (
        f"{words}{size}. To {task.target.aim(task.name)}, {who} tried {tried:,} of {space.size:,} possible "
        f"networks in {counted(len(together.runs), 'run')} ({together.evaluations:,} evaluations). It is "
        f"the best of {counted(len(found.best.candidates), 'network')} by {found.best.source} "
        f"({counted(len(best.scores), trainings_of(found)[:-1])} of it), and was chosen {how} and tried by "
        f"{len(best.tried_by)}."
    )


def _size(found: Findings) -> str:
    try:
        weights = found.together.evidence.search_space.network(found.best.best.architecture).parameters
    except NotImplementedError:
        return ""
    return f", {counted(weights, 'weight')} in all"


def _quote(found: Findings) -> str:
    quote, evaluator = found.best.quote, found.together.evidence.evaluator
    if evaluator.selects_on_test:
        return (
            "**No number to quote:** the searches chose by the test examples, since nothing else was "
            "published."
        )
    if quote.estimate is None:
        return (
            "**No number to quote:** its score on test examples was not measured; a --budget of "
            f"{SEEDS} trainings and more measures it."
        )
    metric = found.together.evidence.metric
    reaches = "is right for" if metric.share_of_examples else f"reaches {metric.label}"
    on = "of" if metric.share_of_examples else "on"
    trainings = found.best.trainings
    mean = f", the mean of {trainings} {trainings_of(found)}" if trainings > 1 else ""
    interval = (
        f" (95% interval {100 * quote.low:.1f} to {100 * quote.high:.1f}%)"
        if quote.low is not None and quote.high is not None
        else ""
    )
    return (
        f"**The number to quote:** it {reaches} {quote.value:.1%} {on} {quote.over}, used for nothing else"
        f"{mean}{interval}."
    )


def as_good(found: Findings) -> Iterator[str]:
    """Yield how many networks are about as good."""
    best = found.best
    others, scored = len(best.good) - 1, len(best.candidates)
    if scored == 1:
        return
    if not others:
        yield f"No other of the {scored:,} networks scored this way comes within one point of it."
        return
    verb = "is" if others == 1 else "are"
    yield f"Of {scored:,} networks scored this way, {counted(others, 'other')} {verb} within one point of it."
    if found.together.evidence.evaluator.table is None and best.sure < others:
        sure = "of none of them is that sure" if not best.sure else f"of {best.sure} of them that is sure"
        yield f"With so few trainings of each, {sure}."


def _unknown(found: Findings) -> str:
    together, best = found.together, found.best
    space = together.evidence.search_space
    said = []
    tried = len({str(one.architecture) for one in together.evidence.seen})
    untried = space.size - tried
    optimum = together.evidence.evaluator.optimum()
    if untried and optimum is None:
        said.append(f"whether one of the {counted(untried, 'network')} that no run tried is better")
    if best.unscored and together.evidence.evaluator.table is None:
        said.append(
            f"whether one of {counted(best.unscored, 'tried network')} that "
            f"{'was' if best.unscored == 1 else 'were'} "
            "not scored again is as good"
        )
    failed = len(together.evidence.seen) - len(together.evidence.succeeded)
    if failed:
        said.append(f"how good {counted(failed, 'network')} would be whose training failed")
    if together.unfinished:
        names = [str(run.folder.path) for run in together.unfinished]
        verb = "has" if len(names) == 1 else "have"
        said.append(f"what the rest of {some(names)} would find, which {verb} not come to an end")
    if together.empty:
        said.append(
            f"what {some([str(path) for path in together.empty])} would find, where nothing was evaluated yet"
        )
    regret = ""
    if optimum is not None:
        short = max(0.0, optimum - best.best.score)
        regret = " No network of the table is better by all that it recorded."
        if short >= LEAST_SHOWN:
            regret = f" By all that the table recorded its best network is {unsigned(short)} points better."
    if not said:
        return f"**Not known:** nothing that this page asks.{regret}"
    return f"**Not known:** {'; '.join(said)}.{regret}"
