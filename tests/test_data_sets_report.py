"""The tables of the benchmark of data sets."""

from __future__ import annotations

from benchmarks.quality.data_sets.report import report


def rows_of(scores, seconds=5.0):
    return [
        {
            "data": data,
            "split": split,
            "method": method,
            "seconds": seconds,
            "score": score,
            "constant": 0.5,
            "took": 1.0,
        }
        for (data, split, method), score in scores.items()
    ]


def test_methods_are_ranked_within_data_sets_and_only_whole_splits_count():
    scores = {}
    for number, data in enumerate("abcdef"):
        scores |= {(data, 0, "one"): 0.9 - number / 100, (data, 0, "two"): 0.8, (data, 0, "three"): 0.7}
    scores |= {("a", 1, "one"): 0.1}  # which the others have not finished
    text = report(rows_of(scores) + rows_of({("a", 0, "one"): 0.0}, seconds=9.0), 5.0)
    lines = text.splitlines()
    assert lines[0] == "6 data sets, 1 split each; searches of 5 s."
    assert "| a | **0.900** | 0.800 | 0.700 |" in lines
    assert "| one | 1.00 [1.00, 1.00] | 1.0 |" in lines
    assert "| three | 3.00 [3.00, 3.00] | 1.0 |" in lines
    assert any(line.startswith("| two | +0.150 | 6 : 0 |") for line in lines)
    assert "Friedman test: p = 0.0025" in text


def test_all_of_the_best_are_marked_and_splits_are_averaged():
    scores = {("a", 0, "one"): 1.0, ("a", 0, "two"): 1.0, ("a", 1, "one"): 0.5, ("a", 1, "two"): 0.5}
    text = report(rows_of(scores), 5.0)
    assert "| a | **0.750** | **0.750** |" in text
    assert "2 splits each" in text
    assert report([], 5.0) == "no split of a data set is finished by every method"
