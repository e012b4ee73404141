"""A landscape in sentences, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nas_gym.search_spaces import SearchSpace
from nas_gym.tables.landscape.analysis import RATIO, TIED, TOP, WHOLE, FidelityFigures, Landscape, Noise

LISTED = 5
"""Most architectures and optima that are named one by one."""


def sentences(landscape: Landscape) -> Iterator[str]:
    """Yield what there is to know of a table, line by line."""
    table = landscape.table
    low, tenth, median, ninth, high = landscape.quantiles
    yield f"{table.name}: {table.size:,} architectures of the search space {table.search_space.config()}"
    if table.caution:
        yield f"caution: {table.caution}"
    names = [_named(table.search_space, int(index)) for index in landscape.best[:LISTED]]
    more = f" and {len(landscape.best) - LISTED} more" if len(landscape.best) > LISTED else ""
    yield f"optimum: {high:.6f} mean {table.measure}, of {', '.join(names)}{more}"
    yield f"spread: lowest {low:.4f}, 10% {tenth:.4f}, median {median:.4f}, 90% {ninth:.4f}"
    if landscape.failed:
        yield f"failed: {landscape.failed:,} architectures in at least one training, which count as 0.0"
    yield from _noise(landscape.noise)
    yield from _optima(landscape)
    kind = "resumable, going on costs the difference" if table.resumable else "each a schedule of its own"
    yield f"fidelities ({kind}):"
    for each in landscape.fidelities:
        seeds = f"{each.seeds} seeds" if each.seeds else "no recorded seeds"
        yield (
            f"  {each.epochs} epoch{'s' * (each.epochs > 1)} ({each.cost:.1%} of the cost, {seeds}): "
            f"best {each.best:.4f}, {each.optima} local optima, Spearman {each.spearman:.3f} with the full "
            f"fidelity{'' if table.selects_on_test else _with_test(each, table.metric)}"
        )
    if len(landscape.fidelities) < len(table.fidelities):
        yield f"  ({len(landscape.fidelities)} of {len(table.fidelities)} fidelities shown)"
    yield f"clock: {table.seconds.mean():,.1f} recorded seconds for a full training, on average"
    yield from _provenance(table.about)


def _named(space: SearchSpace[Any], index: int) -> str:
    """Return the text of an architecture, with its number in a published numbering."""
    architecture = space.architecture(index)
    official = space.official_index(architecture)
    return str(architecture) if official is None else f"{architecture} (official index {official})"


def _with_test(figures: FidelityFigures, metric: str) -> str:
    """Return how a fidelity ranks by the test score, where that is another measurement."""
    return (
        f", {figures.spearman_test:.3f} with test {metric} ({figures.spearman_test_top:.3f} in its top tenth)"
    )


def _noise(noise: Noise | None) -> Iterator[str]:
    if noise is None:
        yield "noise: unknown, one number is recorded for each architecture"
        return
    yield (
        f"noise: deviation over {noise.seeds} seeds {noise.deviation:.4f} (median of an architecture "
        f"{noise.median_deviation:.4f}), standard error of a mean over them {noise.standard_error:.4f}"
    )
    top = "unknown" if noise.spearman_top is None else f"{noise.spearman_top:.2f}"
    by_mean = _ratio(noise.spread, noise.standard_error)
    by_one = _ratio(noise.spread, noise.deviation)
    yield (
        f"fit to rank agents: {_word(noise.fit)} with mean rewards, {_word(noise.fit_by_one_seed)} with "
        f"rewards of one seed: architectures differ by {noise.spread:.4f}, {by_mean} standard errors of a "
        f"mean and {by_one} deviations of one seed (at least {RATIO:g} needed); two seeds correlate by "
        f"{noise.spearman:.2f} (at least {WHOLE:g}) and {top} in the top tenth (at least {TOP:g}); "
        f"{noise.tied:.2%} tie at the top (below {TIED:.0%})"
    )


def _optima(landscape: Landscape) -> Iterator[str]:
    full = landscape.fidelities[-1]
    values = landscape.table.mean_score()
    best = ", ".join(f"{values[members[0]]:.4f}" for members in landscape.optima[:LISTED])
    more = ", ..." if len(landscape.optima) > LISTED else ""
    yield (
        f"local optima: {full.optima}, a plateau counted once ({best}{more}); no edit improves "
        f"{full.unimproved} architectures"
    )
    yield (
        f"distance to the optimum: at most {landscape.distances.max():.0f} edits, correlation with "
        f"{landscape.table.metric} {landscape.distance_correlation:.2f}"
    )


def _provenance(about: Mapping[str, Any]) -> Iterator[str]:
    yield "provenance:"
    for name, value in about.items():
        yield f"  {name.replace('_', ' ')}: {value}"


def _ratio(spread: float, error: float) -> str:
    return f"{spread / error:.1f}" if error else "no"


def _word(fit: bool) -> str:
    return "yes" if fit else "no"
