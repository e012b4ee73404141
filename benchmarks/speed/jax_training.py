"""The same perceptrons in JAX: one jitted scan over steps, vmapped over members."""

from __future__ import annotations

import math
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nas_gym.training import Recipe

WIDTH = 64


def run_jax(count: int, task: Any, recipe: Recipe) -> dict[str, float]:
    """Seconds a network when warm, and seconds of compilation, of two-layer perceptrons."""
    features, classes = int(np.prod(task.input_shape)), task.outputs
    x, y = jnp.asarray(task.x_train.reshape(-1, features)), jnp.asarray(task.y_train)
    sizes = ((features, WIDTH), (WIDTH, WIDTH), (WIDTH, classes))
    run_all = jax.jit(jax.vmap(lambda key: _train(key, x, y, sizes, recipe)))
    keys = jax.random.split(jax.random.PRNGKey(0), count)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        run_all(keys).block_until_ready()
        seconds.append(time.perf_counter() - start)
    first, warm = seconds
    return {"seconds": warm / count, "compilation": first - warm}


def _train(key: Any, x: Any, y: Any, sizes: Any, recipe: Recipe) -> Any:
    """The losses of all steps of one member."""
    epoch_steps = len(x) // recipe.batch_size
    steps = recipe.epochs * epoch_steps
    order_key, *weight_keys = jax.random.split(key, 1 + len(sizes))
    weights = [
        (jax.random.uniform(k, s, minval=-1, maxval=1) / math.sqrt(s[0]), jnp.zeros(s[1]))
        for k, s in zip(weight_keys, sizes, strict=True)
    ]
    epochs = jax.random.split(order_key, recipe.epochs)
    order = jnp.concatenate(
        [jax.random.permutation(k, len(x))[: epoch_steps * recipe.batch_size] for k in epochs]
    )
    zeros = jax.tree.map(jnp.zeros_like, weights)

    def step(state: Any, item: Any) -> Any:
        number, batch = item
        weights, first, second = state
        loss, gradient = jax.value_and_grad(_loss)(weights, x[batch], y[batch])
        rate = recipe.learning_rate * 0.5 * (1 + jnp.cos(jnp.pi * number / steps))
        return _adamw(weights, first, second, gradient, number + 1, rate, recipe.weight_decay), loss

    items = (jnp.arange(steps, dtype=jnp.float32), order.reshape(steps, recipe.batch_size))
    return jax.lax.scan(step, (weights, zeros, zeros), items)[1]


def _loss(weights: Any, batch: Any, labels: Any) -> Any:
    (w1, b1), (w2, b2), (w3, b3) = weights
    logits = jnp.tanh(jax.nn.relu(batch @ w1 + b1) @ w2 + b2) @ w3 + b3
    chosen = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(chosen, labels[:, None], 1).mean()


def _adamw(weights: Any, first: Any, second: Any, gradient: Any, t: Any, rate: Any, decay: float) -> Any:
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    scale, other = 1 - 0.9**t, 1 - 0.999**t

    def stepped(w: Any, m: Any, v: Any) -> Any:
        return w * (1 - rate * decay) - rate * (m / scale) / (jnp.sqrt(v / other) + 1e-8)

    return jax.tree.map(stepped, weights, first, second), first, second
