"""Names that hold markup are shown as they are: in reports, in Markdown, in TensorBoard, in LaTeX."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import markdown
import pytest
from nas_agents import compare
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from nas_gym._markdown import code, escaped
from nas_gym.explain import explain
from tests.helpers.executors import ThreadExecutor

SCRIPT = "<script>alert(1)</script>"
IMAGE = "\"><img src=x onerror=alert(1)>'"
LINK = "[click](javascript:alert(1))"
AUTOLINK = "<javascript:alert(1)>"
TICKS = "`<b>`|**x**`"
NASTY = (SCRIPT, IMAGE, LINK, AUTOLINK, TICKS, "![i](http://x.example/y.png)", "a\n<hr>\n# b", "&lt;i&gt;")
SPACE = {"name": "mlp", "max_layers": 1, "widths": [8], "activations": ["relu", "tanh"]}
QUIET = {"script", "iframe", "object", "embed", "form", "base", "img", "a", "b", "i", "hr"}


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def check_harmless(page: str, allowed: set[str] | frozenset[str] = frozenset()) -> Tags:
    """Check that a page runs and loads nothing, and holds no tag that only a name can have brought."""
    found = Tags(page)
    for tag, attributes in found.tags:
        assert tag not in QUIET - allowed, (tag, attributes)
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert "javascript:" not in (value or "").lower() or name in ("title", "alt", "aria-label")
            if name in ("src", "href", "xlink:href"):
                assert (value or "#").startswith(("#", "data:", "report_figures/")) or value in FIGURES
    return found


FIGURES: set[str | None] = set()


def rendered(text: str) -> str:
    return markdown.markdown(text, extensions=["tables", "fenced_code"])


@pytest.mark.parametrize("text", NASTY)
def test_a_text_in_markdown_is_shown_as_it_is(text):
    for shown in (escaped(text), f"| {escaped(text)} | {code(text)} |", f"see {code(text)} there"):
        found = check_harmless(rendered(shown))
        assert " ".join(text.split())[:5] in " ".join(found.text.split())


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> SimpleNamespace:
    """A comparison on a table whose file, columns and classes hold markup, and the explanation of a run."""
    home = tmp_path_factory.mktemp("markup")
    columns = [SCRIPT, IMAGE.replace('"', "'"), LINK, f"kind {AUTOLINK}"]
    classes = [SCRIPT, LINK]
    rows = [f'{n % 7},{n * 5 % 11},{"uvw"[n % 3]},"{classes[(n % 7) > 3]}"' for n in range(90)]
    data = home / "<img src=x onerror=alert(1)>[y](javascript:z).csv"
    data.write_text("\n".join([",".join(f'"{each}"' for each in columns), *rows]) + "\n")
    task = {"name": "csv", "path": str(data), "target": columns[3], "categorical": [LINK]}
    (folder,) = [
        each.folder
        for each in [
            compare(
                ["random", "q-learning"],
                "NAS-v0",
                task=task,
                search_space=SPACE,
                evaluator={"name": "train", "recipe": {"epochs": 1}},
                store="memory",
                horizon=3,
                seeds=1,
                budget=2,
                executor=ThreadExecutor(1),  # no process to start
                logdir=str(home / "logs"),
                name=f"{SCRIPT} ../{LINK}",
            )
        ]
    ]
    run = next(folder.rglob("q-learning/seed0"))
    explain(run, budget=0, store="memory")
    return SimpleNamespace(home=home, folder=Path(folder), run=run)


def test_the_folder_of_a_variant_stays_where_it_belongs(compared):
    assert compared.folder.parent == compared.home / "logs"


def test_a_report_escapes_names(compared):
    page = (compared.run / "report.html").read_text()
    found = check_harmless(page, frozenset({"a"}))
    assert SCRIPT in found.text


def test_a_report_in_markdown_escapes_names(compared):
    text = (compared.run / "report.md").read_text()
    found = check_harmless(rendered(text), frozenset({"img"}))
    assert SCRIPT in found.text


def test_a_report_of_a_comparison_escapes_names(compared):
    text = (compared.folder / "comparison.md").read_text()
    FIGURES.update(path.name for path in compared.folder.glob("*.png"))
    check_harmless(rendered(text), frozenset({"img"}))


def test_what_tensorboard_shows_escapes_names(compared):
    texts = []
    for path in compared.folder.rglob("events.out.tfevents.*"):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value if event.HasField("summary") else ():
                texts.append(value.metadata.summary_description)
                if value.metadata.plugin_data.plugin_name == "text":
                    texts += [each.decode() for each in value.tensor.string_val]
    assert any("script" in text for text in texts)
    for text in texts:
        check_harmless(rendered(text))
