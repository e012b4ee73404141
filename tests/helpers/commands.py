"""Commands on a small task, and the sentence of a refusal."""

SMALL = '{"name": "mlp", "max_layers": 2, "widths": [16], "activations": ["relu", "tanh"]}'
QUICK = ["--search-space", SMALL, "--task", "breast_cancer", "--recipe", '{"epochs": 1}', "--horizon", "4"]


def search(cli, *arguments):
    return cli("search", "--store", "memory", "--budget", "4", *QUICK, *arguments)


def one_sentence(result):
    """The complaint of a refused command."""
    assert result.exit_code == 2
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("nas-gym: ")
    assert "Traceback" not in result.output
    return lines[0]
