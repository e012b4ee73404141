"""The yardstick: one network after another, as a careful engineer would train small networks.

Ordinary modules and autograd; all data on the device, batches by indexing (no DataLoader), the
fused optimiser, gradients set to None, no synchronisation inside an epoch. Initial weights and the
order of batches are those of the engine, so that losses can be compared step by step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nas_gym.networks import Network, Node, initial_weights
from nas_gym.training import Member, Recipe, TrainingData, loss_of

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
}
SUMS = ("add", "concat", "truncate", "zero")
"""Operations without a layer of their own."""


@dataclass(frozen=True)
class OrdinaryResult:
    """Validation score after each epoch, and the loss of every step."""

    curve: list[float]
    step_losses: list[float]


class OrdinaryNetwork(nn.Module):
    """A network of layers of `torch.nn`; what the output does not need is not computed."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._nodes = network.nodes
        self.layers = nn.ModuleDict()
        live = {len(network.nodes) - 1}
        for number in reversed(range(len(network.nodes))):
            node = network.nodes[number]
            if number in live and not node.operation.gives_zeros:
                live.update(node.inputs)
        self._order = sorted(live - {0})
        for number in self._order:
            layer = make_layer(network.nodes[number])
            if layer is not None:
                self.layers[str(number)] = layer
        self._steps = [
            (number, network.nodes[number].inputs, self._callable(number)) for number in self._order
        ]

    def forward(self, x: Tensor) -> Tensor:
        """The outputs, (batch, outputs)."""
        values: dict[int, Tensor] = {0: x}
        for number, inputs, layer in self._steps:
            if isinstance(layer, AsStated):
                values[number] = layer(*(values[index] for index in inputs))
            elif layer is not None:
                values[number] = layer(values[inputs[0]])
            elif self._nodes[number].operation.sums:
                values[number] = sum((values[index] for index in inputs[1:]), values[inputs[0]])
            elif self._nodes[number].operation.name == "concat":
                values[number] = torch.cat([values[index] for index in inputs], dim=1)
            elif self._nodes[number].operation.name == "truncate":
                values[number] = values[inputs[0]][:, : self._nodes[number].shape[0]]
            else:
                values[number] = x.new_zeros(len(x), *self._nodes[number].shape)
        return values[self._order[-1]]

    def _callable(self, number: int) -> nn.Module | None:
        return dict(self.layers.items()).get(str(number))

    def load(self, network: Network, seed: int) -> None:
        """Set the initial weights that the engine draws from a seed."""
        with torch.no_grad():
            for full_name, array in initial_weights(network, seed):
                number, _, name = full_name.partition("_")
                if number in self.layers:
                    getattr(self.layers[number], name).copy_(array)


class AsStated(nn.Module):
    """An operation that `torch.nn` has no layer for, as it states itself, differentiated by autograd."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node
        for name, shape in node.parameter_shapes.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))
        self._arrays = dict(self.named_parameters())

    def forward(self, *inputs: Tensor) -> Tensor:
        """The result for a batch of each input."""
        return self._node.operation.forward(self._node, inputs, self._arrays, self.training)


class SqueezeExcitation(nn.Module):
    """Channels weighted by two linear layers over their means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reducing, self.widening = nn.Linear(channels, squeezed), nn.Linear(squeezed, channels)
        # By the names that the engine has for them.
        self.squeeze, self.squeeze_bias = self.reducing.weight, self.reducing.bias
        self.excite, self.excite_bias = self.widening.weight, self.widening.bias

    def forward(self, x: Tensor) -> Tensor:
        """The weighted channels, of the shape of `x`."""
        weights = self.widening(self.reducing(x.flatten(2).mean(2)).relu()).sigmoid()
        return x * weights[(..., *(None,) * (x.ndim - 2))]


def make_layer(node: Node) -> nn.Module | None:
    """The layer of a node; None for what has no layer of its own: a sum, zeros, channels joined or cut."""
    signal, ceil_mode = len(node.input_shape) == 2, node.kernel % 2 == 0
    match node.operation.name:
        case "flatten":
            return nn.Flatten()
        case "linear":
            return nn.Linear(node.input_shape[0], node.shape[0], bias=node.bias)
        case "conv":
            conv: type[nn.Module] = nn.Conv1d if signal else nn.Conv2d
            options = {"stride": node.stride, "padding": node.padding, "groups": node.groups}
            return conv(node.input_shape[0], node.shape[0], node.kernel, bias=node.bias, **options)
        case "dilated_conv":
            dilated: type[nn.Module] = nn.Conv1d if signal else nn.Conv2d
            same = {"padding": "same", "dilation": node.option("dilation"), "groups": node.groups}
            return dilated(node.input_shape[0], node.shape[0], node.kernel, bias=node.bias, **same)
        case "batch_norm":
            return (nn.BatchNorm2d if len(node.shape) == 3 else nn.BatchNorm1d)(node.shape[0])
        case "activation" if node.function in ACTIVATIONS:
            return ACTIVATIONS[node.function]()
        case "max_pool":
            pool: type[nn.Module] = nn.MaxPool1d if signal else nn.MaxPool2d
            return pool(node.kernel, node.stride, node.padding, ceil_mode=ceil_mode)
        case "avg_pool":
            average: type[nn.Module] = nn.AvgPool1d if signal else nn.AvgPool2d
            return average(node.kernel, node.stride, node.padding, ceil_mode, count_include_pad=False)
        case "squeeze_excitation":
            return SqueezeExcitation(node.shape[0], node.option("squeezed"))
        case "dropout":
            return nn.Dropout(node.option("rate"))
        case "global_avg_pool":
            pooled: nn.Module = nn.AdaptiveAvgPool1d(1) if signal else nn.AdaptiveAvgPool2d(1)
            return nn.Sequential(pooled, nn.Flatten())
        case name:
            return None if name in SUMS else AsStated(node)


def train_ordinary(member: Member, data: TrainingData, recipe: Recipe) -> OrdinaryResult:
    """Train one member by the ordinary loop."""
    model = OrdinaryNetwork(member.network)
    model.load(member.network, member.seed)
    model.to(data.x_train.device)
    optimizer = make_optimizer(model, recipe)
    criterion = make_criterion(data, recipe)
    generator = torch.Generator().manual_seed(member.seed)
    steps = math.ceil(len(data.y_train) / recipe.batch_size)
    losses: list[Tensor] = []
    curve: list[float] = []
    for epoch in range(member.epochs or recipe.epochs):
        model.train()
        order = torch.randperm(len(data.y_train), generator=generator).to(data.x_train.device)
        for step, batch in enumerate(order.split(recipe.batch_size), start=epoch * steps):
            if recipe.schedule == "cosine":
                progress = step / (recipe.epochs * steps)
                optimizer.param_groups[0]["lr"] = (
                    recipe.learning_rate * (1 + math.cos(math.pi * progress)) / 2
                )
            loss = criterion(model(data.x_train[batch]), data.y_train[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        curve.append(score(model, data))
    return OrdinaryResult(curve, torch.stack(losses).tolist())


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser, fused."""
    options = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "fused": True}
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(model.parameters(), **options)
    return torch.optim.SGD(model.parameters(), momentum=0.9, nesterov=True, **options)


def make_criterion(data: TrainingData, recipe: Recipe) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of a task: cross-entropy of classes or of tokens, or squared error of values."""
    entropy = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing, ignore_index=-1)
    kind, _, rest = data.loss.partition("/")
    match kind:
        case "cross_entropy":
            return entropy
        case "squared":
            return nn.MSELoss()
        case "token_cross_entropy":
            positions = int(rest.rpartition("/")[2])
            return lambda outputs, y: entropy(outputs.unflatten(1, (-1, positions)), y)
    raise ValueError(f"the ordinary loop has no loss {data.loss!r}")


@torch.no_grad()
def score(model: nn.Module, data: TrainingData) -> float:
    """The score of the validation part, in [0, 1]; of classes the accuracy."""
    model.eval()
    outputs = torch.cat([model(x) for x in data.x_validation.split(2048)])
    if data.loss == "cross_entropy":
        return (outputs.argmax(1) == data.y_validation).double().mean().item()
    loss = loss_of(data.loss)
    found, _ = loss.measured(
        loss.sum_up(outputs, data.y_validation).double().cpu()[:, None], data.y_validation
    )
    return found.item()
