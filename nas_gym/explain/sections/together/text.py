"""What all runs say together, in sentences, each with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nas_gym.explain.evidence.rescoring import SEEDS
from nas_gym.explain.evidence.together import Together
from nas_gym.explain.fact import Fact
from nas_gym.explain.report.phrases import capital, counted, listed, percent, unsigned
from nas_gym.explain.sections.together.agents import Agent, Agents, Use
from nas_gym.explain.sections.together.best import BestNetworks
from nas_gym.explain.sections.together.choices import Choice, ChoicesTogether
from nas_gym.explain.sections.together.kinds import DECIDING, NONE, Kinds

LEAST_SHOWN = 0.0005
"""A difference that rounds to a tenth of a point."""
MOST_CHOICES, MOST_USES, MOST_AGENTS, MOST_NAMED = 4, 2, 6, 4


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found out of several runs.

    Attributes:
        together: the runs.
        best: the best networks.
        choices: the choices, or why nothing can be said of them.
        agents: the agents.
        kinds: the best networks by what makes them good.
    """

    together: Together
    best: BestNetworks
    choices: ChoicesTogether | str
    agents: Agents
    kinds: Kinds

    @property
    def shown(self) -> tuple[Choice, ...]:
        """The choices that are shown to matter."""
        return () if isinstance(self.choices, str) else self.choices.shown


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
        f"({counted(len(best.scores), _trainings(found)[:-1])} of it), and was chosen {how} and tried by "
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
    mean = f", the mean of {trainings} {_trainings(found)}" if trainings > 1 else ""
    interval = (
        f" (95% interval {100 * quote.low:.1f} to {100 * quote.high:.1f}%)"
        if quote.low is not None and quote.high is not None
        else ""
    )
    return (
        f"**The number to quote:** it {reaches} {_number(quote):.1%} {on} {quote.over}, used for nothing else"
        f"{mean}{interval}."
    )


def _trainings(found: Findings) -> str:
    evaluator = found.together.evidence.evaluator
    if evaluator.table is not None:
        return "recorded trainings"
    return "trainings" if evaluator.trains else "evaluations"


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


def by_agent(found: Findings) -> Iterator[str]:
    """Yield how often each agent found one of the best networks, and whether that differs."""
    agents = [agent for agent in found.agents.agents if agent.scored]
    if not agents:
        return
    which = "it or one of these" if len(found.best.good) > 1 else "it"
    scored = sum(agent.scored for agent in agents)
    if not any(agent.kept.estimate for agent in agents):
        tried = [agent.name for agent in agents if agent.of_best]
        tries = f"{listed(tried)} tried {which}, but chose another" if tried else f"none tried {which}"
        yield f"None of {counted(scored, 'run')} chose {which}; {tries}."
        return
    told = [
        f"{agent.name} in {round(_number(agent.kept) * agent.scored)} of {agent.scored}"
        f" ({100 * (agent.kept.low or 0.0):.0f} to {100 * (agent.kept.high or 1.0):.0f}%)"
        for agent in sorted(agents, key=lambda agent: -_number(agent.kept))
    ]
    yield f"Runs that chose {which}, with 95% intervals: {listed(told)}."
    if len(agents) < 2:
        return
    ahead = [agent for agent in agents if agent.kept_more.is_shown]
    if not ahead:
        yield (
            "No agent is shown to find them more often than the others: chance could give these differences."
        )
    for agent in ahead:
        more = "more" if _number(agent.kept_more) > 0 else "less"
        yield f"{capital(agent.name)} does so {more} often than the others, beyond chance."


def which_choices(found: Findings) -> Iterator[str]:
    """Yield which choices matter, and what each costs."""
    choices = found.choices
    if isinstance(choices, str):
        yield choices
        return
    over = (
        f"By {counted(len(choices.used.y), 'different network')} of "
        f"{counted(len(found.together.runs), 'run')}"
    )
    if not choices.shown:
        yield f"{over}, none is shown to matter: what differs between their options could be chance."
        return
    told = [
        f"({number}) {one.name}: {one.best} is best and {one.worst} worst, {unsigned(one.gap)} points "
        "apart on average"
        for number, one in enumerate(choices.shown[:MOST_CHOICES], 1)
    ]
    more = choices.shown[MOST_CHOICES:]
    rest = f"; less, but beyond chance: {listed([one.name for one in more])}" if more else ""
    verb = "is" if len(choices.shown) == 1 else "are"
    yield f"{over}, {counted(len(choices.shown), 'choice')} {verb} shown to matter: {'; '.join(told)}{rest}."
    other = [
        f"{one.name} {value}"
        for one in choices.shown
        if (value := _of_best(found, one.name)) not in (None, one.best)
    ]
    if other:
        yield (
            f"The best network has another option in {_some(other)}: what is best on average need not be "
            "best beside other choices."
        )
    quiet = [
        one.name for one in choices.choices if not one.fact.is_shown and one.importance.value is not None
    ]
    if quiet:
        yield f"Not shown to matter: {_some(quiet)}."


def _of_best(found: Findings, name: str) -> str | None:
    """Return the option of the best network, None where it does not have the choice."""
    space, best = found.together.evidence.search_space, found.best.best.architecture
    if name not in space.active_variables(best):
        return None
    return str(space.variables[name].choices[space.encode(best)[name]])


def what_one_run_tells(found: Findings, *, by_how_many: bool = False) -> Iterator[str]:
    """Yield which of the choices no single run could tell, and on demand how many runs tell the others."""
    choices = found.choices
    if isinstance(choices, str) or not choices.shown or len(found.together.runs) < 2:
        return
    asked, runs = choices.asked, len(found.together.runs)
    if not asked:
        yield f"No single run could tell any of this: each of the {runs} has too few evaluations."
        return
    alone = [one for one in choices.shown if not one.alone]
    if alone:
        who = (
            f"None of the {runs} runs"
            if asked == runs
            else f"None of the {asked} runs that have evaluations enough"
        )
        yield f"{who} shows {listed([one.name for one in alone])} by itself; only all together do."
    some = [one for one in choices.shown[:MOST_CHOICES] if one.alone]
    if some and by_how_many:
        told = [f"{one.alone} {one.name}" for one in some[1:]]
        first = f"{some[0].alone} of {counted(asked, 'run')} show {some[0].name}"
        yield f"By themselves, {listed([first, *told])}."


def in_common(found: Findings) -> Iterator[str]:
    """Yield what the best networks share, and what they leave open."""
    kinds, leading = found.kinds, found.best.leading
    count = len(leading)
    if count == 1:
        yield "Only one network was scored, so nothing can be in common."
        return
    gap = max(0.1, 100 * (leading[0].score - leading[-1].score))
    which = f"the {count} best networks, which lie within {gap:.1f} points"
    if leading is found.best.good:
        which = f"the {count} networks within a point of the best, itself included"
    if not found.shown:
        yield f"What makes {which}, good cannot be said: no choice is shown to matter."
        return
    shared = [f"{name} {value}" for name, value in kinds.shared.items() if value != NONE]
    absent = [name for name, value in kinds.shared.items() if value == NONE]
    avoided = [f"{name} {_or(values)}" for name, values in kinds.avoided.items()]
    parts = []
    if shared:
        parts.append(f"all have {listed(shared)}")
    if absent:
        parts.append(f"none has a {_or(absent)}")
    if avoided:
        parts.append(f"none has {listed(avoided)}")
    if parts:
        yield f"Of {which}, {' and '.join(parts)}."
    else:
        yield f"In no choice that matters do {which}, agree."
    groups = len(kinds.kinds)
    if groups == 1:
        yield f"By {_most(found)} they are of one kind, good for the same reasons."
    elif groups == count:
        yield f"No two of them agree in {_most(found)}."
    else:
        largest = kinds.kinds[0]
        yield (
            f"By {_most(found)} they are of {groups} kinds; the largest, of "
            f"{len(largest.networks)} networks, has "
            f"{listed([f'{name} {value}' for name, value in largest.options.items() if value != NONE])}."
        )
    free = [*kinds.free, *kinds.open]
    if free:
        yield f"They leave open {_some(free)}."


def where_agents_look(found: Findings, most: int = 1) -> Iterator[str]:
    """Yield what agents prefer and what they miss, where that is more than chance.

    Args:
        found: what was found out.
        most: options that are named of each agent.
    """
    agents = found.agents
    if len(agents.agents) < 2:
        yield f"There is one agent, {agents.agents[0].name}, so none to compare it with."
        return
    if not agents.can_show:
        yield "With so few runs of each agent no difference between them can be shown."
    mattering = {one.name for one in found.shown}
    told = 0
    for agent in agents.agents:
        sentence = _of_agent(agent, mattering, most)
        if sentence and told < MOST_AGENTS:
            told += 1
            yield sentence
    if agents.can_show and not told:
        yield "No difference between agents in the options that they try is more than chance could give."
    yield from overlap(found)


def _of_agent(agent: Agent, mattering: set[str], most: int) -> str:
    missed = [f"{use.option}" for use in agent.missed]
    parts = []
    if missed:
        parts.append(
            f"never tried {_some(missed)} in {agent.evaluations:,} evaluations of "
            f"{counted(agent.runs, 'run')}"
        )
    more = _strongest(agent.preferred, mattering)[:most]
    if more:
        parts.append(f"looks more than the others at {listed([_use(use) for use in more])}")
    less = [] if missed or (more and most == 1) else _strongest(agent.avoided, mattering)[:most]
    if less:
        parts.append(f"looks less at {listed([_use(use) for use in less])}")
    return f"{capital(agent.name)} {', and '.join(parts)}." if parts else ""


def _strongest(uses: Sequence[Use], mattering: set[str]) -> list[Use]:
    """Return the uses that differ most, those of choices that matter first."""
    return sorted(uses, key=lambda use: (use.option.choice not in mattering, -abs(_number(use.more))))


def _use(use: Use) -> str:
    own = _number(use.share)
    return (
        f"{use.option} ({percent(own)} of its networks, the others "
        f"{percent(max(0.0, own - _number(use.more)))})"
    )


def overlap(found: Findings) -> Iterator[str]:
    """Yield which agents' runs repeat each other."""
    alike = [
        agent for agent in found.agents.agents if agent.own_more.is_shown and _number(agent.own_more) > 0
    ]
    if alike:
        told = [
            f"{agent.name} {percent(_number(agent.own))} (with runs of others "
            f"{percent(_number(agent.others))})"
            for agent in sorted(alike, key=lambda agent: -_number(agent.own))[:MOST_NAMED]
        ]
        yield (
            "Two runs of one agent have more networks in common than runs of different agents: "
            f"{listed(told)}."
        )


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
        said.append(f"what the rest of {_some(names)} would find, which {verb} not come to an end")
    if together.empty:
        said.append(
            f"what {_some([str(path) for path in together.empty])} would find, where nothing was evaluated "
            "yet"
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


def _some(names: Sequence[str]) -> str:
    if len(names) <= MOST_NAMED + 1:
        return listed(names)
    return listed([*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"])


def _most(found: Findings) -> str:
    """Return the choices that kinds are told apart by."""
    count = len(found.shown)
    if count == 1:
        return f"the choice that matters, {found.shown[0].name},"
    return f"the {min(count, DECIDING)} choices that matter{' most' if count > DECIDING else ''}"


def _or(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _number(fact: Fact) -> float:
    return float(fact.estimate) if isinstance(fact.estimate, int | float) else 0.0
