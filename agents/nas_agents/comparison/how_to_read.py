"""What a report of a comparison says about its columns.

The shares of intervals that hold the truth are those that `tests/agents/comparison/test_simulated_errors.py`
finds again.
"""

from __future__ import annotations

from collections.abc import Iterator

from nas_agents.comparison.fronts.report import how_to_read_fronts
from nas_agents.comparison.ranking import Analysis
from nas_agents.comparison.significance import PAIRED_FROM

RETRAINED = """\
- **Test {metric}** is that of the network that a search chose, retrained with 3 training seeds that no
  search used; no agent saw it. The table gives its interquartile mean over the agent's runs (the mean of
  the middle half), by which agents are ranked and tested."""

FRESH = "- **Fresh validation** is the validation {metric} of the same retrained networks."

REGRET = """\
- **Regret** is how far the network that a search chose is below the best one of the table, both by their
  {seen} at full fidelity, averaged over all recorded seeds. The table gives its mean over the agent's
  runs, by which agents are ranked and tested. The middle half of runs is not used here, since it is at 0
  for every good agent."""

RECORDED = """\
- **Validation at full fidelity** and **test {metric}** are those of the chosen network, averaged over all
  recorded seeds; the mean over the agent's runs."""

RECORDED_TEST = """\
- **Test {metric}** is that of the chosen network, averaged over all recorded seeds, the mean over the
  agent's runs. The search selected on the same number, so it is what the search saw and not a check of
  it."""

OPTIMUM = """\
- **At the optimum**: the share of runs that chose a network without regret, with Wilson's 95% interval.
  **Evaluations to the optimum**: how many a run was charged until it was the best one seen, the median
  over runs; a dash where most runs never came to it."""

INTERVALS = """\
- **Intervals in brackets** are 95% intervals over more seeds of the same search on the same {data}: they
  do not say how an agent would do on other data.
  {method}
  A dash in place of an interval: the runs are too much alike to tell how others would differ, as from one
  run or from runs that all chose the same. Each interval is of one agent alone; whether two agents differ
  is said by their test, which is corrected for the number of pairs, and not by whether their intervals
  overlap."""

OF_IQM = """\
They are percentiles of a bootstrap, widened for few runs. In simulations they held the true value in 93
  to 97% of cases with 2 to 50 runs of normally distributed scores, of skewed ones, and where one run in seven
  fails; where half of the runs score the same, in 81% with 3 runs, 91% with 5 and 95% from 10 on."""

OF_MEAN_ALONE = """\
They are those of a studentised bootstrap, at least as wide as Student's. In simulations they held the
  true value in 93 to 97% of cases with 2 to 50 runs of normally distributed values, in 89 to 97% of skewed
  ones."""

OF_MEAN = f"""\
{OF_MEAN_ALONE} With most regrets at 0 they are too short for few runs: where four runs in five are at 0,
  they held it in 73 to 76% of cases with 10 runs, 87 to 91% with 20, 95 to 98% with 50."""

BEST_SEEN = """\
- **Best seen** is the best {metric} during the search. It is optimistic: the search selected on it. The
  curves of the best {metric} so far show it too; their bands are intervals of each point alone."""

COMMON = """\
- **Access**: a `walk` agent only steps from the start state, and a search holds it to that; a `query`
  agent may ask for any architecture, a `gradient` agent trains weights that architectures share. They
  answer different questions; compare like with like first. Where several take part, the agents of each
  are ranked alone, too; p-values stay corrected for all pairs.
- **Evaluations** are the distinct ones a run asked for, whether a store had them or not; of those charged
  a shorter training counts its share of the epochs. **Seconds** are the recorded time that training took,
  or that a table says it takes.
- **P(better)** is the probability that a run of the first agent scores above one of the second, 0.5 is
  even, with Newcombe's 95% interval (in simulations 86 to 90% with 3 runs, 88 to
  98% with more). It says how often, not by how much, and
  does not decide what is significant."""

TESTS = f"""\
- **p** is of a permutation test of the difference in {{estimand}}s divided by its standard error, the
  larger of its p-value and that of Student's t, so that it holds where agents differ in spread or number
  of runs. Agents with the same seeds are compared seed by seed ("by seed") from {PAIRED_FROM} seeds on,
  since runs of one seed share draws; else their runs count as independent. **p (Holm)** is corrected for
  the number of pairs. A p-value above 0.05 is no proof that two agents are equal."""

GUESSING = """\
- **Guessing** is the best constant answer. Its {metric} is {chance:.3f}, on the examples that the
  ranking's {metric} is measured on."""


def how_to_read(comparison: Analysis) -> str:
    """Return what the columns of a comparison are, as a Markdown list."""
    return "\n".join(_lines(comparison))


def _lines(comparison: Analysis) -> Iterator[str]:
    metric = comparison.metric
    if comparison.fronts is not None:
        yield how_to_read_fronts(comparison.fronts)
        yield INTERVALS.format(
            data="table" if comparison.fronts.yardstick.exact else "task", method=OF_MEAN_ALONE
        )
        yield COMMON
        yield TESTS.format(estimand=comparison.estimand.name)
        return
    if comparison.has_regret:
        yield REGRET.format(seen=comparison.seen)
        yield (RECORDED_TEST if comparison.selects_on_test else RECORDED).format(metric=metric)
        yield OPTIMUM
        yield INTERVALS.format(data="table", method=OF_MEAN)
    else:
        yield RETRAINED.format(metric=metric)
        yield FRESH.format(metric=metric)
        yield INTERVALS.format(data="task", method=OF_IQM)
    yield BEST_SEEN.format(metric=metric)
    yield COMMON
    yield TESTS.format(estimand=comparison.estimand.name)
    yield GUESSING.format(metric=metric, chance=comparison.chance)
