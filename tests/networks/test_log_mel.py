"""Log-mel frames: what the operation, its code and the form of files compute is one thing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nas_gym.networks import NetworkBuilder, NetworkModule, band_frequencies, log_mel

RATE, WINDOW, HOP, BANDS = 8000, 320, 160, 24


def network(samples: int):
    builder = NetworkBuilder((1, samples))
    return builder.build(builder.log_mel(builder.input, BANDS, window=WINDOW, hop=HOP, rate=RATE))


@pytest.mark.parametrize("samples", [1, 159, 160, 1000, 6400])
def test_the_operation_and_its_code_compute_what_numpy_does(samples: int) -> None:
    made = network(samples)
    x = np.random.default_rng(0).normal(size=(3, 1, samples)).astype(np.float32) / 4
    expected = np.stack([log_mel(one[0], BANDS, WINDOW, HOP, RATE) for one in x])
    assert expected.shape == (3, *made.output_shape)
    found = NetworkModule(made).eval()(torch.tensor(x))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)
    code = made.nodes[1].operation.source(made.nodes[1]).call.format("x")
    by_code = eval(code, {"torch": torch, "x": torch.tensor(x)})
    np.testing.assert_allclose(by_code.numpy(), expected, atol=1e-4)


def test_a_tone_is_loudest_in_the_band_of_its_frequency() -> None:
    time = np.arange(RATE) / RATE
    for band, frequency in enumerate(band_frequencies(BANDS, RATE)):
        if frequency > RATE / WINDOW * 2:  # below, the Fourier transform is too coarse
            middle = log_mel(np.sin(2 * np.pi * frequency * time), BANDS, WINDOW, HOP, RATE)[:, 25]
            assert middle.argmax() == band
            assert middle[band] == pytest.approx(0, abs=1)


def test_silence_is_the_floor_and_no_band_is_empty() -> None:
    silence = log_mel(np.zeros(1000), 60, WINDOW, HOP, RATE)
    np.testing.assert_allclose(silence, np.log(1e-6))
    noise = np.random.default_rng(0).normal(size=4000)
    assert log_mel(noise, 60, WINDOW, HOP, RATE).min() > np.log(1e-6) + 1


def test_nothing_is_trained_and_the_products_are_counted() -> None:
    made = network(6400)
    assert made.parameters == 0
    assert made.output_shape == (24, 41)
    assert made.flops == 2 * 41 * (322 * 320 + 161 * 24)
