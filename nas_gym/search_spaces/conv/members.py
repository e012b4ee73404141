"""Well-known shapes of convolutional networks, built from the options that a conv space has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nas_gym.search_spaces.conv.architecture import POOLS, Conv, Layer


def conv_shapes(
    operations: Sequence[str], channels: Sequence[int], activations: Sequence[str]
) -> dict[str, Conv]:
    """Return small shapes of VGG, ResNet and AlexNet, as far as the options have their parts.

    All take the fewest channels first and the most later, relu where there is one, and max pooling
    rather than average pooling. VGG (Simonyan and Zisserman 2015): two convolutions of the smaller
    kernel before each pool. ResNet (He et al. 2016): a stem, then a pair of convolutions with a
    skip around it on each side of a pool. AlexNet (Krizhevsky et al. 2012): the larger kernel
    first, a pool after each of the first two convolutions, two more convolutions.
    """
    layers = [Layer(operation) for operation in operations]
    plain = [layer for layer in layers if not layer.pools and not layer.is_separable]
    kernels = {layer.kernel: layer.operation for layer in plain}
    pools = [pool for pool in POOLS if pool in operations]
    if not kernels or not pools:
        return {}
    activation = "relu" if "relu" in activations else activations[0]
    parts = {
        "p": Layer(pools[0]),
        "a": Layer(kernels[min(kernels)], min(channels), activation),
        "b": Layer(kernels[min(kernels)], max(channels), activation),
        "A": Layer(kernels[max(kernels)], min(channels), activation),
    }
    shapes = {
        "vgg": Conv(_chain("aapbbp", parts)),
        "resnet": Conv(_chain("aaapbb", parts), frozenset({(1, 3), (4, 6)})),
    }
    if len(kernels) > 1:
        shapes["alexnet"] = Conv(_chain("Apbpbb", parts))
    return shapes


def _chain(letters: str, parts: Mapping[str, Layer]) -> tuple[Layer, ...]:
    return tuple(parts[letter] for letter in letters)
