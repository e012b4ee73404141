"""The precision of a recipe: part of the key, a setting where networks are trained, refused on a CPU."""

from __future__ import annotations

import threading

import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.evaluators import Request, TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import Recipe, check_precision, computer_name, numerics, processor_name
from nas_gym.training.kernels.matmul import product
from nas_gym.training.kernels.paths import Paths, paths_of
from nas_gym.training.program.launches import launches
from tests.helpers.networks import make_data, make_space, random_members, trained

TASK = make_task({"name": "digits", "train_size": 120, "validation_size": 100, "test_size": 100})
needs_new_settings = pytest.mark.skipif(
    not hasattr(torch.backends, "fp32_precision"), reason="torch is older than the interface"
)


def test_the_usual_precision_leaves_recipes_as_stores_hold_them() -> None:
    assert "precision" not in Recipe().config()
    assert Recipe(precision="tf32").config() == {**Recipe().config(), "precision": "tf32"}
    assert Recipe(**Recipe(precision="bfloat16").config()) == Recipe(precision="bfloat16")


def test_an_unknown_precision_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NASGymError, match=r"precision of the recipe.*bfloat16, float32, tf32"):
        Recipe(precision="float16")


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_a_cpu_refuses_what_it_does_not_compute(precision: str) -> None:
    recipe = Recipe(precision=precision)
    message = rf"precision '{precision}' of the recipe needs a CUDA device, not 'cpu': leave it out"
    space = make_space("mlp")
    with pytest.raises(NASGymError, match=message):
        trained(random_members(space, 1), make_data(space.input_shape), recipe)
    built = make_search_space("mlp", TASK.input_shape, TASK.outputs)
    with pytest.raises(NASGymError, match=message):
        TrainEvaluator(built, TASK, "cpu", recipe={"precision": precision})
    check_precision(recipe, "cuda")


def test_numerics_name_the_precision_and_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU that passes for a card, since the key is all that is asked for."""
    built = make_search_space("mlp", TASK.input_shape, TASK.outputs)
    plain = TrainEvaluator(built, TASK, "cpu")
    assert plain.numerics.startswith("cpu, fp32, torch ")
    for precision, name in (("float32", "fp32"), ("tf32", "tf32"), ("bfloat16", "bf16")):
        evaluator = TrainEvaluator(built, TASK, "cpu")
        evaluator.recipe = Recipe(precision=precision)
        evaluator.device = torch.device("cuda")
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA Card")
        key = evaluator.key(Request(built.smallest(), 0))
        assert key["numerics"].startswith(f"cuda, {name}, torch {torch.__version__}, NVIDIA Card")
        assert key["recipe"].get("precision", "float32") == precision
    assert computer_name(torch.device("cpu")) == processor_name()


@needs_new_settings
def test_tf32_is_set_where_a_recipe_asks_for_it_and_nowhere_else() -> None:
    def settings() -> tuple[str, str]:
        backends = torch.backends
        return backends.cuda.matmul.fp32_precision, backends.cudnn.conv.fp32_precision

    before = settings()
    found = []
    for precision in ("float32", "tf32", "bfloat16"):
        thread = threading.Thread(target=lambda p=precision: found.append(inside(p, settings)))
        thread.start()
        thread.join()
    assert found[0][1] == found[2][1] == "ieee"
    assert found[0][0] in ("ieee", "none")
    assert found[1] == ("tf32", "tf32")
    assert settings() == before


def inside(precision, read):  # type: ignore[no-untyped-def]
    with numerics.usual_numerics(precision):
        return read()


def test_a_thread_of_another_precision_waits_until_the_settings_are_free() -> None:
    pin, order = numerics._Pin(), []
    pin.enter("tf32")

    def other() -> None:
        pin.enter("float32")
        order.append("float32 began")
        pin.leave()

    thread = threading.Thread(target=other)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    order.append("tf32 ended")
    pin.leave()
    thread.join(10)
    assert order == ["tf32 ended", "float32 began"]


def test_only_factors_are_rounded_in_bfloat16() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(3, 8, 8, generator=generator) for _ in range(2))
    add, out = torch.full((3, 8, 8), 2.0**-12), torch.empty(3, 8, 8)
    calls = list(product(paths_of(torch.device("cpu"), "bfloat16"), a, b, out, add=add))
    for call in calls:
        call()
    expected = (a.bfloat16().double() @ b.bfloat16().double()).to(torch.float32).bfloat16().float() + add
    torch.testing.assert_close(out, expected, rtol=2**-7, atol=1e-6)
    assert not torch.equal(out, a @ b + add)
    assert launches(calls) > launches(list(product(Paths(), a, b, out, add=add)))
