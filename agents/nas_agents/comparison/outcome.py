"""What a finished comparison gives: data frames, CSV files, figures, a LaTeX table, the report."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any

from nas_agents.comparison.aggregate import write_aggregate
from nas_agents.comparison.plots import figure_names, plot_comparison, plot_figure
from nas_agents.comparison.ranking import Analysis
from nas_agents.comparison.records import Run
from nas_agents.comparison.report import Setting, markdown, short_ranking, write_json
from nas_agents.comparison.tables import latex
from nas_gym.common import write_text, writing
from nas_gym.errors import ConfigError, unknown

Record = dict[str, Any]
SUFFIXES = (".pdf", ".svg", ".png")


@dataclass(frozen=True)
class Comparison:
    """The agents of one task compared.

    Attributes:
        folder: folder of the runs and of the report.
        setting: what was compared.
        analysis: ranking, tests and curves; None where fewer than two agents have a finished run.
        finished: the finished runs.
        fingerprints: fingerprints of the data and the code that every run found.
        tensorboard: whether a report has a run for each agent in TensorBoard.
    """

    folder: Path
    setting: Setting
    analysis: Analysis | None
    finished: tuple[Run, ...]
    fingerprints: Mapping[str, Any] = field(default_factory=dict)
    tensorboard: bool = True

    @property
    def verdict(self) -> tuple[str, ...]:
        """What the tests found and what they could have found, in sentences."""
        return self._analysed().verdict

    @property
    def missing(self) -> tuple[str, ...]:
        """One sentence for each run that failed."""
        return self.setting.missing

    @property
    def runs(self) -> Any:
        """The runs as a `pandas.DataFrame`, one row each, with the columns of `run_records`.

        Raises:
            NASGymError: if pandas is not installed.
        """
        return _frame(self.run_records(), "run_records")

    @property
    def curves(self) -> Any:
        """The curves as a `pandas.DataFrame`, one row a point, with the columns of `curve_records`.

        Raises:
            NASGymError: if pandas is not installed.
        """
        return _frame(self.curve_records(), "curve_records")

    def run_records(self) -> list[Record]:
        """Return one dict for each run: who ran, what it chose, what that scored, and what it cost.

        ``metric`` is what the scores are called; ``score`` is what the run is ranked by; ``seen`` the
        best that the search saw, which is optimistic; ``regret`` is None where the optimum is not known. Of
        several objectives ``score`` is the share of hypervolume, and there are ``igd_plus``,
        ``share_of_reference_found`` and ``networks_on_front``, too.
        """
        return [
            {
                "agent": run.agent,
                "access": run.access,
                "seed": run.seed,
                "metric": run.metric,
                "score": run.score,
                "test": run.test,
                "validation": run.validation,
                "seen": run.seen,
                "regret": run.regret,
                "evaluations": float(run.spent[-1]),
                "distinct": len(run.scores),
                "seconds": float(run.costs.sum()),
                "failed": run.failed,
                "stopped": run.stopped,
                "architecture": run.architecture,
                **_front_record(run),
            }
            for run in self.finished
        ]

    def curve_records(self) -> list[Record]:
        """Return one dict for each point of each curve, with its pointwise 95% band.

        ``curve`` is ``"incumbent"``, what the search saw of its best, or ``"regret"``, or of several
        objectives ``"hypervolume"``; ``against`` is ``"evaluations"`` or ``"seconds"``.
        """
        analysis = self._analysed()
        best = "incumbent" if analysis.fronts is None else "hypervolume"
        curves = {
            (best, "evaluations"): analysis.evaluation_curves,
            (best, "seconds"): analysis.second_curves,
            ("regret", "evaluations"): analysis.evaluation_regrets,
            ("regret", "seconds"): analysis.second_regrets,
        }
        return [
            {"curve": name, "against": against, "agent": agent}
            | dict(zip(("x", "value", "lower", "upper"), point, strict=True))
            for (name, against), by_agent in curves.items()
            for agent, curve in by_agent.items()
            for point in zip(*curve.as_dict().values(), strict=True)
        ]

    def agent_records(self) -> list[Record]:
        """Return one dict for each agent, the best first; an interval is three numbers."""
        return [_flat(row) for row in self._analysed().as_dict()["agents"]]

    def pair_records(self) -> list[Record]:
        """Return one dict for each two agents, with their test; an interval is three numbers."""
        return [_flat(row) for row in self._analysed().as_dict()["pairs"]]

    def ranking(self, access: str | None = None) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return the heads and the rows of the ranking as text, the best agent first.

        Args:
            access: ``"walk"`` or ``"query"`` for the agents of that access alone.

        Raises:
            NASGymError: if the agents of the access cannot be compared alone.
        """
        if access is None:
            return short_ranking(self._analysed())
        alone = self._analysed().by_access()
        if access not in alone:
            raise unknown("access that is compared alone", access, alone)
        return short_ranking(alone[access])

    def to_csv(self, folder: str | Path) -> tuple[Path, ...]:
        """Write ``runs.csv``, ``curves.csv``, ``agents.csv`` and ``pairs.csv``, and return their paths.

        Args:
            folder: an existing folder, or one to be made.
        """
        records = {
            "runs.csv": self.run_records(),
            "curves.csv": self.curve_records(),
            "agents.csv": self.agent_records(),
            "pairs.csv": self.pair_records(),
        }
        with writing(Path(folder)):
            Path(folder).mkdir(parents=True, exist_ok=True)
            for name, rows in records.items():
                write_text(Path(folder) / name, _csv(rows))
        return tuple(Path(folder) / name for name in records)

    def plot(self, path: str | Path, agents: Iterable[str] | None = None, figure: str | None = None) -> Path:
        """Draw a figure into a file and return its path.

        An agent has the same colour in all figures of a comparison, whichever agents are chosen.

        Args:
            path: file whose suffix says its format: ``.pdf``, ``.svg`` or ``.png``.
            agents: labels of the agents that are drawn; all by default.
            figure: ``"incumbent_by_evaluations"``, ``"incumbent_by_seconds"``, ``"scores"``,
                ``"improvement"``, and where the optimum is known ``"regret_by_evaluations"`` or
                ``"regret_by_seconds"``; by default the regret, or else the incumbent, by evaluations. Of
                several objectives ``"hypervolume_by_evaluations"``, the default, and ``"..._by_seconds"`` in
                place of these, and ``"front_<objective>"`` for each but the first.

        Raises:
            NASGymError: for another suffix, agent or figure.
        """
        analysis, path = self._analysed(), Path(path)
        if path.suffix.lower() not in SUFFIXES:
            raise ConfigError(f"a figure is written as {', '.join(SUFFIXES)}, not as {path.name!r}")
        names = figure_names(analysis)
        chosen = (names[-2] if analysis.has_regret else names[0]) if figure is None else figure
        if chosen not in names:
            raise unknown("figure", chosen, names)
        shown = list(analysis.scores) if agents is None else list(agents)
        for agent in shown:
            if agent not in analysis.scores:
                raise unknown("agent of this comparison", agent, analysis.scores)
        if not shown:
            raise ConfigError("agents is empty: name at least one agent to draw")
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            plot_figure(chosen, analysis, self.setting.where, path, shown)
        return path

    def to_latex(self) -> str:
        r"""Return the ranking as a LaTeX ``tabular`` with the rules of the package ``booktabs``."""
        return latex(*self.ranking())

    def report(self, folder: str | Path | None = None) -> Path:
        """Write the report with its figures and numbers, and return the path of ``comparison.md``.

        Args:
            folder: an existing folder, or one to be made; by default that of the comparison, which
                has the report already.
        """
        folder, analysis = self.folder if folder is None else Path(folder), self._analysed()
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            figures = plot_comparison(analysis, folder, self.setting.where)
            shutil.rmtree(folder / "aggregate", ignore_errors=True)  # of an earlier comparison
            if self.tensorboard:
                write_aggregate(analysis, folder / "aggregate", self.finished, self.setting, figures)
            values = analysis.as_dict() | {"fingerprints": dict(self.fingerprints)}
            write_json(values, self.setting, folder / "comparison.json")
            write_text(folder / "comparison.md", markdown(analysis, self.setting, figures))
        return folder / "comparison.md"

    def _analysed(self) -> Analysis:
        if self.analysis is None:
            said = "".join(f"; {sentence}" for sentence in self.missing)
            raise ConfigError(
                f"fewer than 2 agents finished a run on {self.setting.task}: no comparison{said}"
            )
        return self.analysis


def _front_record(run: Run) -> Record:
    if run.front is None:
        return {}
    return {
        "igd_plus": run.front.distance if isfinite(run.front.distance) else None,
        "share_of_reference_found": run.front.found,
        "networks_on_front": len(run.front.gains),
    }


def _flat(row: Mapping[str, Any]) -> Record:
    """Return a record in which an interval is three numbers: ``test``, ``test_lower``, ``test_upper``."""
    flat: Record = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= {name: value["value"], f"{name}_lower": value["lower"], f"{name}_upper": value["upper"]}
        else:
            flat[name] = value
    return flat


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _frame(records: list[Record], method: str) -> Any:
    try:
        pandas = import_module("pandas")
    except ImportError:
        raise ConfigError(
            f"data frames need pandas: pip install 'nas-gym[frames]', or call {method}() for plain dicts"
        ) from None
    return pandas.DataFrame.from_records(records)
