"""What a report of a comparison says about its columns."""

from __future__ import annotations

from nas_agents.comparison.analysis import Comparison

INTERVALS = """\
With few seeds such intervals are too narrow: of normally distributed scores they hold the true value in
  about 94% of cases with 10 seeds, 89% with 5, 75% with 3."""

RETRAINED = f"""\
- **Test accuracy** is that of the network that a search chose, retrained with 3 training seeds that no search
  used; no agent saw it. The table gives its interquartile mean over the agent's runs (the mean of the middle
  half) and a 95% bootstrap interval. {INTERVALS}
- **Fresh validation** is the validation accuracy of the same retrained networks."""

RECORDED = f"""\
- **Regret** is how far the network that a search chose is below the best one of the table, both by their
  validation accuracy at full fidelity, averaged over all recorded seeds. The table gives its mean over the
  agent's runs with a 95% bootstrap interval; agents are ranked and tested by it. {INTERVALS}
- **Validation at full fidelity** and **test accuracy** are those of the chosen network, averaged over all
  recorded seeds: the interquartile mean over the agent's runs (the mean of the middle half).
- **At the optimum**: the share of runs that chose a network without regret. **Evaluations to the optimum**:
  how many a run was charged until it was the best one seen, the median over runs; a dash where most runs
  never came to it."""

COMMON = """\
- **Best seen** is the best accuracy during the search. It is optimistic: the search selected on it. The
  curves of the best accuracy so far show it too.
- **Access**: a `walk` agent only steps from the start state, and a search holds it to that; a `query` agent
  may ask for any architecture. They answer different questions; compare like with like first.
- **Evaluations** are the distinct ones a run asked for, whether a store had them or not; a shorter training
  counts its share of the epochs. **Seconds** are the recorded time that training took, or that a table says
  it takes.
- **P(better)** is the probability that a run of the first agent scores above one of the second; 0.5 is even.
- **p (Holm)** is corrected for the number of pairs. A p-value above 0.05 is no proof that two agents are
  equal."""


def how_to_read(comparison: Comparison) -> str:
    """What the columns of a comparison are, as a Markdown list."""
    return f"{RECORDED if comparison.has_regret else RETRAINED}\n{COMMON}"
