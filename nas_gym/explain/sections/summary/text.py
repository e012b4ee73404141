"""The sentences of the first page, made of its facts alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.simple_methods import Method
from nas_gym.explain.fact import Fact
from nas_gym.explain.report.phrases import capital, counted, listed, ordinal, unsigned
from nas_gym.explain.section import Section
from nas_gym.explain.sections.summary.page import FirstPage, Smaller
from nas_gym.explain.sections.summary.reasons import Reason
from nas_gym.explain.sections.summary.words import (
    change_of,
    compared_fact,
    gain_words,
    percent,
    percent_range,
)
from nas_gym.tasks import Forecast, Target

WORST = 3
MOST_REASONS = 3
MEANINGS = {
    "r2": ", the share of the variance that it explains,",
    "skill": ", the share of the naive forecast's squared error that it avoids,",
    "uncertainty_removed": ", the share of the uncertainty about the next token that it removes,",
    "token_accuracy": ", the share of the tokens that are right,",
    "balanced_accuracy": ", the mean over the classes of the share that is right,",
    "macro_f1": ", the mean over the classes of precision and recall together,",
    "log_loss": ", the share of the uncertainty about the class that it removes,",
}
"""What a score means, by the name of the metric; "" where its name says it."""
WORSE, MUCH_WORSE, ALIKE = "worse", ("breaks", "fails"), "does not matter"


def sentences_of(evidence: Evidence, page: FirstPage, sections: Sequence[Section]) -> tuple[str, ...]:
    """Return the paragraphs of the first page; each but the first begins with what it is about in bold."""
    words = Words(evidence, page)
    paragraphs = [
        *words.better(),
        words.found(),
        words.quote(),
        *words.simple_methods(),
        *words.search(),
        *words.reasons(),
        *words.near(),
        *words.worse(),
        words.unknown(sections),
    ]
    return tuple(
        " ".join(paragraph) if isinstance(paragraph, list) else paragraph for paragraph in paragraphs
    )


class Words:
    """The facts of a first page in words.

    Args:
        evidence: the run.
        page: its facts.
    """

    def __init__(self, evidence: Evidence, page: FirstPage) -> None:
        self._evidence, self._page = evidence, page
        self._target: Target = evidence.problem.task.target

    def better(self) -> Iterator[str]:
        """Say that explaining found a better network, where it did."""
        one = self._page.better
        if one is not None:
            yield (
                "**Explaining found a better network** than the search did. This page is about the search's. "
                f"The change: {one.edit} ({compared_fact(one.change)} on validation examples). The "
                f"result: `{one.architecture}`.{self._adopting('')}"
            )

    def found(self) -> str:
        """Say what was looked for and what was found."""
        page, task = self._page, self._evidence.problem.task
        size = f", {counted(page.parameters, 'weight')} in all" if page.parameters else ""
        when = (
            ""
            if page.tried.estimate == 1
            else f"; this was the {ordinal(int(page.found_at.estimate or 0))} that it tried"
        )
        agent = self._evidence.config.get("agent", "of the run")
        charged = (self._evidence.result or {}).get("shares") or [1.0]
        if max(charged) > 1:  # the rest was spent on weights that all networks share
            tried = (
                f"compared the {page.possible.estimate:,} possible networks by weights that they share, for "
                f"as much arithmetic as {sum(charged) - len(charged):.3g} trainings take, and trained "
                f"{page.tried.estimate:,} alone{when}"
            )
        else:
            tried = f"tried {page.tried.estimate:,} of {page.possible.estimate:,} possible networks{when}"
        return f"{capital(page.words)}{size}. To {task.target.aim(task.name)}, the agent {agent} {tried}."

    def quote(self) -> str:
        """Say which number to quote, and how sure it is."""
        page, quote = self._page, self._page.quote
        if page.selected_on_test:
            return (
                f"**No number to quote.** It {self._reaches(quote)} the test examples, but the search chose "
                "by them, because no validation scores were published: the figure is optimistic."
            )
        if quote.estimate is None:
            tried = "every new training of it failed" if page.finished else "the run has no result yet"
            return (
                f"**No number to quote:** {tried}. The search saw {percent(page.seen)}, the highest of "
                "many noisy numbers, which is usually too good to be true."
            )
        mean = f", the mean of {page.quoted_trainings} trainings" if page.quoted_trainings > 1 else ""
        if quote.low is None:
            return (
                f"**The number to quote:** it {self._reaches(quote)} test examples, used for nothing "
                f"else{mean}. Over how many examples is not known, so no interval is given."
            )
        return (
            f"**The number to quote:** it {self._reaches(quote)} {quote.over}, used for nothing else{mean} "
            f"(95% interval {percent_range(quote)})."
        )

    def simple_methods(self) -> Iterator[str]:
        """Say what simple methods reach on the same examples, and whether the network is better."""
        page = self._page
        if page.beside is None:
            if page.constant is not None and page.quote.estimate is not None:
                answer, score = page.constant
                yield f"**Against guessing:** always answering “{answer}” reaches {score:.1%}."
            return
        rivals = page.beside.rivals
        reached = listed([f"{one.method.name} {one.method.test:.1%}" for one in rivals])
        better = [one for one in rivals if one.gain.is_positive]
        worse = [one for one in rivals if one.gain.is_negative]
        equal = [one for one in rivals if not one.gain.is_shown]
        verdicts = [
            f"{what} {listed([self._short(one.method) for one in group])}"
            for what, group in (
                ("worse than", worse),
                ("better than", better),
                ("not clearly better or worse than", equal),
            )
            if group
        ]
        verdict = ", but ".join(verdicts) if len(verdicts) < 3 else listed(verdicts)
        smallest = min(equal, key=lambda one: one.method.size, default=None)
        size = page.beside.network.size
        simpler = (
            f" So {self._short(smallest.method)} ({counted(smallest.method.size, 'number')} in place of "
            f"{size:,}) may be as good and is simpler."
            if smallest is not None and smallest.method.size < size
            else ""
        )
        yield (
            f"**Against simple methods,** on the same examples: {reached}. The found network is "
            f"{verdict}.{simpler}"
        )

    def search(self) -> Iterator[str]:
        """Say what the search brought: over its start, and over networks drawn at random."""
        page, said = self._page, []
        if page.start is not None:
            words, gain, _ = page.start
            said.append(f"The search started from {words}. {gain_words(gain)}")
        if page.drawn:
            said.append(self._drawn())
        # Of `nas-gym fit`, which searches two kinds of network where either may be the better.
        kinds = (self._evidence.result or {}).get("kinds")
        if kinds is not None:
            said.append(f"{capital(kinds['words'])}.")
        if said:
            yield f"**Against its start and other networks,** on validation examples. {' '.join(said)}"

    def reasons(self) -> Iterator[str]:
        """Say which choices make it good, and what the best alternative to each costs."""
        page = self._page
        if not page.neighbours:
            return
        if not page.reasons:
            yield (
                "**Why this network** cannot be said: instead of each of its choices another one "
                "may be as good or better, as far as their trainings tell."
            )
            return
        count = len(page.reasons)
        which, one = (
            ("One of its choices matters", "it")
            if count == 1
            else (f"{count} of its choices matter", "one of them")
        )
        most = "" if count <= MOST_REASONS else f" The {MOST_REASONS} whose change costs most:"
        told = [
            f"({number}) {self._reason(one)}" for number, one in enumerate(page.reasons[:MOST_REASONS], 1)
        ]
        became = f"every tested change of {one} scored lower, and on average the drop is clear"
        less = [one.choice for one in page.reasons[MOST_REASONS:]]
        rest = f". A change of {listed(less)} costs less" if less else ""
        yield f"**Why this network.** {which}: {became}.{most} {'; '.join(told)}{rest}."

    def near(self) -> Iterator[str]:
        """Say whether something near is better or simpler, and whether to train longer."""
        page = self._page
        if page.neighbours:
            yield f"**Is something near better or simpler?** {' '.join(self._near())}"
        elif page.untested:
            yield (
                f"**Is something near better?** Not known: none of the {counted(page.untested, 'network')} "
                "one change away was tested, for want of budget or time."
            )

    def worse(self) -> Iterator[str]:
        """Say what would make it worse."""
        harmful = [one for one in self._page.neighbours if one.verdict in (WORSE, *MUCH_WORSE)]
        if harmful:
            named = [f"{one.edit} ({change_of(one)})" for one in reversed(harmful[-WORST:])]
            yield f"**What would make it worse:** most of all {listed(named)}."
        elif self._page.neighbours:
            count = len(self._page.neighbours)
            yield (
                "**What would make it worse** is not known: "
                + ("the one change that was tested" if count == 1 else f"none of the {count} tested changes")
                + (" is not" if count == 1 else " is")
                + " clearly worse."
            )

    def unknown(self, sections: Sequence[Section]) -> str:
        """Say what is not known, and what would tell."""
        said = [*self._limits(), *self._what_would_tell()]
        unanswered = [one.question for one in sections if one.withheld and one.is_applicable]
        if unanswered:
            said.append(
                f"the answer to {listed([f'“{question}”' for question in unanswered])}: the section of that "
                "name below says why"
            )
        if not said:
            return "**Not known:** nothing that this page asks; every network of the space was looked up."
        if len(said) == 1:
            return f"**Not known:** {said[0]}."
        return f"**Not known:** {'; '.join(f'({number}) {each}' for number, each in enumerate(said, 1))}."

    def _limits(self) -> Iterator[str]:
        page = self._page
        if not page.finished:
            yield "what the rest of the search would find, since the run has not come to its end"
        if page.cut:
            yield "what the last, cut line of the trace said"
        if page.no_time_for:
            yield f"how {listed(list(page.no_time_for))} would do on the same examples, for lack of time"
        if page.untried:
            left = counted(page.untried, "network")
            yield f"whether one of the {left} that neither the search nor this explanation tried is better"
        if page.failed:
            yield f"how good {counted(page.failed, 'network')} would be whose training failed"
        if page.untested and page.neighbours:
            left = counted(page.untested, "network")
            yield f"what {left} one change away would do, which were not tested for want of budget or time"

    def _what_would_tell(self) -> Iterator[str]:
        page = self._page
        unclear = sum(one.verdict == "unclear" for one in page.neighbours)
        if unclear and page.seeds_to_tell:
            yield (
                f"which of the {counted(unclear, 'network')} too close to tell is best: about "
                f"{page.seeds_to_tell} trainings of each, those done included, would show a "
                "difference of one point"
            )
        higher = self._higher()
        if higher:
            they, are, were = ("it", "is", "was") if higher == 1 else ("they", "are", "were")
            yield (
                f"whether the {counted(higher, 'network')} drawn at random that scored higher {are} better: "
                f"{they} {were} trained fewer times"
            )
        if page.examples_to_tell:
            yield (
                f"the {self._target.metric.label} of the found network to within one point: that takes about "
                f"{page.examples_to_tell:,} test examples"
            )

    def _higher(self) -> int:
        """Return how many of some networks drawn at random scored higher; of a whole table that is known."""
        drawn = self._page.drawn
        if not drawn or drawn["all"]:
            return 0
        share = 1.0 - float(drawn["beaten"]) - float(drawn["level"] or 0.0)
        return round(share * int(drawn["count"]))

    def _near(self) -> Iterator[str]:
        page, verdicts = self._page, [one.verdict for one in self._page.neighbours]
        count = len(verdicts)
        told = [
            ("clearly better", verdicts.count("improves")),
            ("clearly worse by at least one point", sum(verdict in MUCH_WORSE for verdict in verdicts)),
            ("clearly worse but perhaps by less", verdicts.count(WORSE)),
            ("as good within one point", verdicts.count(ALIKE)),
            ("too close to it to tell", verdicts.count("unclear")),
        ]
        better = "" if told[0][1] else "none is clearly better"
        parts = [
            better,
            *(f"{number} {'is' if number == 1 else 'are'} {what}" for what, number in told if number),
        ]
        tested = "tested network" if page.untested else "network"
        yield f"Of {counted(count, tested)} one change away, {listed([part for part in parts if part])}."
        if page.smaller is not None:
            yield self._smaller()
        if page.rising is not None:
            yield (
                f"The learning curve of the found network still rose by {unsigned(page.rising)} points at "
                "the end: training longer may help."
            )

    def _smaller(self) -> str:
        page, one = self._page, self._page.smaller
        assert one is not None
        share = f", {one.parameters / page.parameters:.0%} of its weights" if page.parameters else ""
        sure = "is at most one point worse" if one.within else "may be as good"
        return (
            f"Simpler: {one.words} ({counted(one.parameters, 'weight')}{share}) {sure} "
            f"({compared_fact(one.change)}).{self._kept_out(one)}"
            f"{self._adopting(' smaller') if one.within else ''}"
        )

    def _kept_out(self, one: Smaller) -> str:
        """Name the reasons that are about what the smaller network does not have."""
        space = self._evidence.search_space
        active = space.active_variables(space.parse(one.architecture))
        numbered = enumerate(self._page.reasons[:MOST_REASONS], 1)
        gone = [(number, reason.choice) for number, reason in numbered if reason.choice not in active]
        if not gone:
            return ""
        reasons = listed([f"({number})" for number, _ in gone])
        return (
            f" It has no {listed([choice for _, choice in gone])}: {reasons} above "
            f"{'matters' if len(gone) == 1 else 'matter'} only in networks that keep that layer."
        )

    def _adopting(self, which: str) -> str:
        """Return how such a network is kept, where the run trains networks."""
        if not self._evidence.evaluator.trains:
            return ""
        return (
            f" `nas-gym explain {quote(str(self._evidence.folder.path))} --adopt{which}` trains and keeps it."
        )

    def _reason(self, reason: Reason) -> str:
        space = self._evidence.search_space
        variable = space.variables[reason.choice]
        what = (
            f"its depth of {reason.value}"
            if variable.is_depth
            else f"{reason.choice} being {space.value_words(variable, reason.value)}"
        )
        if reason.cost is None or reason.low is None or reason.high is None:
            return f"{what}: without it networks fail to train"
        cost = (
            f"{unsigned(reason.cost)} points (95% interval {unsigned(reason.low)} to {unsigned(reason.high)})"
        )
        if reason.undone == 1 or reason.best is None:
            edit = f" ({reason.best[0]})" if reason.best else ""
            return f"{what}: the one tested change of it{edit} costs {cost}"
        least = f"the mildest, {reason.best[0]}, {unsigned(reason.best[1])}"
        each = f"each of the {reason.undone} tested changes of it costs something"
        return f"{what}: {each}, {cost} on average, and {least}"

    def _drawn(self) -> str:
        drawn = self._page.drawn
        count, beaten = drawn["count"], round(drawn["beaten"] * drawn["count"])
        which = (
            f"all {count:,} networks of the space, whose scores are recorded,"
            if drawn["all"]
            else f"{count:,} networks drawn at random"
        )
        ties = round((drawn["level"] or 0.0) * count)
        whole = which if drawn["all"] else f"all {which}"
        share = whole if beaten == count else f"{beaten:,} of {which}"
        equal = f" and is level with {ties:,}" if ties else ""
        rest = f"(median {drawn['median']:.1%}, best {drawn['best']:.1%})"
        mean = self._page.validation.estimate
        own = f" ({mean:.1%} on average)" if isinstance(mean, float) else ""
        return f"The found network{own} beats {share}{equal} {rest}."

    def _short(self, method: Method) -> str:
        """Return a method as it is named again."""
        if method.key == "constant":
            if isinstance(self._target, Forecast):
                return "the naive forecast"
            return "guessing" if self._target.metric.share_of_examples else "the constant answer"
        return f"the {method.name}" if method.key == "forest" else method.name

    def _reaches(self, fact: Fact) -> str:
        if self._target.metric.share_of_examples:
            return f"is right for {percent(fact)} of"
        meaning = MEANINGS.get(self._target.metric.name, "")
        return f"reaches {self._target.metric.label} {percent(fact)}{meaning} on"
