"""Command lines that mean nothing."""

from __future__ import annotations

from tests.faults.malformed.case import TABLE, Case, file

SEARCH = ("search", "--agent", "random", *TABLE)
TRAINED = ("search", "--agent", "random", "--task", "breast_cancer", "--store", "memory", "--budget", "2")
COMPARE = ("compare", "--env", "NASTable-MLP-v0", "--store", "memory")
BUILD = ("benchmark", "build", "--space", "mlp", "--task", "breast_cancer")
DEEP = "[" * 20_000
LONG = "9" * 5000


def search(name: str, says: str, *options: str) -> Case:
    return Case(name, (*SEARCH, *options), says)


def trained(name: str, says: str, *options: str) -> Case:
    return Case(name, (*TRAINED, *options), says)


CASES = [
    Case("a command that there is not", ("serach",), "No such command"),
    Case("no command of benchmark", ("benchmark", "make"), "No such command"),
    Case("a comparison without agents", ("compare", *TABLE), "--agents"),
    Case("an option that there is not", (*SEARCH, "--bugdet", "4"), "No such option"),
    Case("an option without its value", ("search", "--agent"), "requires an argument"),
    Case("an argument that no one asked for", (*SEARCH, "more"), "unexpected extra argument"),
    Case("replay without a folder", ("replay",), "Missing argument"),
    Case("replay of a folder that is not there", ("replay", "nothing"), "holds no run"),
    Case("explain of a folder that is not there", ("explain", "nothing"), "holds no run|pass the folder"),
    Case("predict by a network that is not there", ("predict", "best.pt", "rows.csv"), "no saved network"),
    Case("export of a network that is not there", ("export", "best.pt", "--to", "onnx"), "no saved network"),
    search("an unknown environment", "unknown environment", "--env", "NAS-v99"),
    search("an environment of another package", "searches no architectures", "--env", "CartPole-v1"),
    search("an environment of a module that is not there", "unknown environment", "--env", "nowhere:NAS-v0"),
    search("an empty id", "unknown environment", "--env", ""),
    search("an unknown agent", "unknown agent", "--agent", "q-lerning"),
    search("an agent of no module", "cannot be imported", "--agent", "nowhere:Agent"),
    search("an agent that is a function", "agent", "--agent", "os.path:join"),
    search("an agent that is no JSON", "must be JSON", "--agent", "{name: random}"),
    search("an agent that is a JSON list", "--agent must be", "--agent", "[]"),
    search("an agent without a name", "name", "--agent", "{}"),
    search("an agent whose name is a number", "agent", "--agent", '{"name": 3}'),
    search("an agent in too deep JSON", "--agent must be JSON", "--agent", DEEP),
    search("a setting without a value", "NAME=VALUE", "--set", "alpha"),
    search("a setting without a name", "NAME=VALUE", "--set", "=3"),
    search("a setting that there is not", "unknown option", "--set", "alhpa=3"),
    search("a setting that is given twice", "twice", "--set", "a=1", "--set", "a=2"),
    Case(
        "a setting of another type",
        ("search", "--agent", "q-learning", *TABLE, "--set", "alpha=high"),
        "alpha",
    ),
    Case(
        "a setting out of its range",
        ("search", "--agent", "q-learning", *TABLE, "--set", "alpha=-1"),
        "alpha",
    ),
    Case(
        "a setting that is no number",
        ("search", "--agent", "q-learning", *TABLE, "--set", "alpha=NaN"),
        "alpha",
    ),
    Case(
        "a setting of too many digits",
        ("search", "--agent", "q-learning", *TABLE, "--set", f"alpha={LONG}"),
        "alpha",
    ),
    search("a budget in words", "--budget must be", "--budget", "many"),
    search("a budget of nothing", "budget", "--budget", "0"),
    search("a budget below nothing", "budget", "--budget=-5"),
    search("a budget with a fraction", "--budget must be", "--budget", "2.5"),
    search("a budget in unknown units", "--budget must be", "--budget", "5d"),
    search("a budget of no seconds", "budget", "--budget", "0s"),
    search("a budget of too many digits", "budget", "--budget", LONG),
    search("a budget of endless seconds", "budget", "--budget", f"{LONG}s"),
    search("no minutes", "--minutes", "--minutes", "0"),
    search("minutes below nothing", "--minutes", "--minutes=-1"),
    search("minutes without an end", "--minutes", "--minutes", "inf"),
    search("minutes that are no number", "--minutes", "--minutes", "nan"),
    search("minutes in words", "--minutes", "--minutes", "two"),
    search("a seed in words", "--seed", "--seed", "one"),
    search("a seed below nothing", "seed", "--seed=-1"),
    search("a seed of too many digits", "seed", "--seed", LONG),
    search("an unknown reward", "unknown reward", "--reward", "scores"),
    search("a reward of a module that fails", "cannot be imported", "--reward", "nowhere:Reward"),
    search("a reward that is no class or function", "is a (str|dict|type)", "--reward", "os:sep"),
    search("a reward of a relative module", "cannot be imported", "--reward", ".:x"),
    search(
        "a reward with an unknown option", "unknown option", "--reward", '{"name": "score", "scal": [0, 1]}'
    ),
    search("a reward with a scale of one number", "scale", "--reward", '{"name": "score", "scale": [1]}'),
    search("a reward with an empty scale", "scale", "--reward", '{"name": "score", "scale": [1, 1]}'),
    search("a reward that is JSON of a number", "reward", "--reward", "[3]"),
    search("no horizon", "horizon", "--horizon", "0"),
    search("a horizon with a fraction", "--horizon", "--horizon", "2.5"),
    search("a start that is no architecture", "initial|relu|architecture", "--initial", "huge-7"),
    search("a start of empty text", "initial|architecture", "--initial", ""),
    trained("an unknown device", "device", "--device", "abacus"),
    trained("a device number in words", "device", "--device", "cuda:x"),
    search("an evaluator that is no JSON", "--evaluator must be JSON", "--evaluator", "{"),
    search("an unknown evaluator", "unknown evaluator", "--evaluator", '{"name": "oracle"}'),
    search("an evaluator without a name", "name", "--evaluator", "{}"),
    search("an evaluator beside a recipe", "--evaluator", "--evaluator", "train", "--recipe", "{}"),
    search("a table without a benchmark", "benchmark", "--evaluator", '{"name": "table"}'),
    search(
        "a table that there is not", "nowhere", "--evaluator", '{"name": "table", "benchmark": "nowhere"}'
    ),
    search(
        "a table of a path", "unknown|table", "--evaluator", '{"name": "table", "benchmark": "../../mlp"}'
    ),
    search(
        "a fidelity that was not recorded",
        "fidelity",
        "--evaluator",
        '{"name": "table", "benchmark": "mlp", "fidelity": 999}',
    ),
    trained("a space that is no JSON", "--search-space must be JSON", "--search-space", "{mlp}"),
    trained("an unknown space", "unknown search space", "--search-space", "mpl"),
    trained("a space with no layers", "max_layers", "--search-space", '{"name": "mlp", "max_layers": 0}'),
    trained(
        "a space with a layer in words", "max_layers", "--search-space", '{"name": "mlp", "max_layers": "3"}'
    ),
    trained("a space without widths", "widths", "--search-space", '{"name": "mlp", "widths": []}'),
    trained("a space with a width twice", "widths", "--search-space", '{"name": "mlp", "widths": [8, 8]}'),
    trained(
        "a space with a width below nothing", "widths", "--search-space", '{"name": "mlp", "widths": [-8, 8]}'
    ),
    trained(
        "a space with an unknown activation",
        "activation",
        "--search-space",
        '{"name": "mlp", "activations": ["sin", "relu"]}',
    ),
    trained("a space that the data do not fit", "shape|image|input", "--search-space", "cell"),
    trained("a space that is a JSON list", "search space", "--search-space", "[1, 2]"),
    trained("a recipe that is no JSON", "--recipe must be", "--recipe", "epochs=2"),
    trained("a recipe that is a list", "--recipe must be", "--recipe", "[2]"),
    trained("a recipe with an unknown option", "unknown option", "--recipe", '{"epoch": 2}'),
    trained("a recipe of no epochs", "epochs", "--recipe", '{"epochs": 0}'),
    trained("a recipe of half an epoch", "epochs", "--recipe", '{"epochs": 0.5}'),
    trained("a recipe whose epochs are true", "epochs", "--recipe", '{"epochs": true}'),
    trained("a recipe with an endless rate", "learning_rate", "--recipe", '{"learning_rate": Infinity}'),
    trained("a recipe with batches of nothing", "batch_size", "--recipe", '{"batch_size": 0}'),
    trained("a recipe with an unknown optimizer", "optimizer", "--recipe", '{"optimizer": "best"}'),
    trained("training seeds in words", "--train-seeds", "--train-seeds", "a,b"),
    trained("training seeds with a gap", "--train-seeds", "--train-seeds", "1,,2"),
    trained("a training seed twice", "seed", "--train-seeds", "1,1"),
    trained("a training seed below nothing", "seed", "--train-seeds=-1"),
    trained("a training seed of too many digits", "seed", "--train-seeds", LONG),
    trained("an unknown task", "unknown task", "--task", "mnsit"),
    trained("a task without a name", "task", "--task", "{}"),
    trained("a task with an unknown option", "unknown option", "--task", '{"name": "digits", "sise": 3}'),
    trained("a task whose name is a list", "task", "--task", '{"name": []}'),
    trained(
        "a split that is no split", "split|fractions|size", "--task", '{"name": "digits", "train_size": 1e9}'
    ),
    trained("an unknown metric", "metric", "--metric", "beauty"),
    trained("a metric of values for classes", "metric|r2", "--metric", "r2"),
    trained("a target of a task that has one", "--target", "--target", "mean radius"),
    trained("a delimiter of no file", "--delimiter", "--delimiter", ";"),
    Case("no agents", (*COMPARE, "--agents", ","), "agent"),
    Case("agents that are no JSON", (*COMPARE, "--agents", "[random"), "--agents must be JSON"),
    Case("an agent twice", (*COMPARE, "--agents", "random,random"), "twice|random"),
    Case("a comparison of no seeds", (*COMPARE, "--agents", "random,tpe", "--seeds", "0"), "seeds"),
    Case("a comparison by no process", (*COMPARE, "--agents", "random,tpe", "--jobs", "0"), "jobs"),
    Case("a comparison by the clock", (*COMPARE, "--agents", "random,tpe", "--minutes", "2"), "--minutes"),
    Case("agents of a number", (*COMPARE, "--agents", "[1]"), "agent"),
    Case("a table of an unknown name", ("benchmark", "info", "nowhere-digits"), "nowhere"),
    Case("a table of an empty name", ("benchmark", "info", ""), "table|benchmark"),
    Case("a table of a path up", ("benchmark", "info", "../mlp-mnist1d"), "table|benchmark"),
    Case(
        "a sample of no architecture",
        ("benchmark", "verify", "mlp-mnist1d", "--architectures", "0"),
        "architectures",
    ),
    Case("a build over a file", (*BUILD, "--out", "good.csv"), "exists already"),
    Case("a build with a recipe in words", (*BUILD, "--recipe", "fast"), "--recipe must be"),
    Case(
        "a build of a space too large",
        ("benchmark", "build", "--space", '{"name": "mlp", "max_layers": 20}', "--task", "breast_cancer"),
        "at most|layers",
    ),
    Case("an import of an unknown name", ("benchmark", "import", "nasbench999", "good.csv"), "nasbench999"),
    Case("an import of no file", ("benchmark", "import", "nasbench201", "none.csv"), "none.csv"),
    Case(
        "an archive of pickles",
        ("benchmark", "import", "nasbench201", "NATS-tss.pickle.pbz2"),
        "trust-pickle",
        file("NATS-tss.pickle.pbz2", b"BZh9"),
    ),
    Case("an explanation of half the budget", ("explain", "nothing", "--budget", "1.5"), "--budget"),
    Case("an explanation below nothing", ("explain", "nothing", "--budget=-1"), "--budget"),
    Case("an adoption of a wish", ("explain", "nothing", "--adopt", "fastest"), "--adopt"),
    Case("a question of no module", ("explain", "run", "--question", "nowhere:Q"), "cannot be imported"),
    Case("a question that is none", ("explain", "run", "--question", "os:getcwd"), "not a question"),
    Case("a report into a file", ("explain", "run", "--out", "good.csv"), "is a file"),
    Case("every of two runs", ("explain", "run", "run", "--every", "5"), "--every"),
    Case("every no evaluation", ("explain", "run", "--every", "0"), "every"),
    Case("an export to an unknown format", ("export", "run", "--to", "onxn"), "unknown format"),
    Case(
        "an export into a folder that is a file",
        ("export", "run", "--to", "python", "--out", "good.csv"),
        "good",
    ),
    Case("a fit of no file", ("fit", "none.csv", "--target", "kind"), "none.csv"),
    Case("a fit of no minutes", ("fit", "good.csv", "--target", "kind", "--minutes", "0"), "minutes"),
    Case("a fit of a target that is not there", ("fit", "good.csv", "--target", "kidn"), "kidn"),
    Case("a fit of no network", ("fit", "good.csv", "--target", "kind", "--budget", "0"), "budget|network"),
    Case("a fit of no ensemble", ("fit", "good.csv", "--target", "kind", "--ensemble", "0"), "ensemble"),
]
