"""A network as the graph that TensorBoard draws: a box for each part, in it the operations and their shapes.

It is written from the `Network` itself rather than traced from its module, so that boxes carry the
names of the architecture's parts and nothing of PyTorch's internals shows.
"""

from __future__ import annotations

import re
from typing import Any

from tensorboard.compat.proto.attr_value_pb2 import AttrValue  # type: ignore[attr-defined]
from tensorboard.compat.proto.graph_pb2 import GraphDef  # type: ignore[attr-defined]
from tensorboard.compat.proto.node_def_pb2 import NodeDef  # type: ignore[attr-defined]
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto  # type: ignore[attr-defined]
from tensorboard.compat.proto.versions_pb2 import VersionDef  # type: ignore[attr-defined]

from nas_gym.networks import Network, Node

ANY_BATCH = -1


def graph_of(network: Network) -> Any:
    """Return the network as a TensorFlow ``GraphDef``, which is what TensorBoard reads."""
    names = [_name(number, node) for number, node in enumerate(network.nodes)]
    nodes = [
        NodeDef(
            name=names[number],
            op=node.operation.label(node),
            input=[names[i] for i in node.inputs],
            attr=_attributes(node),
        )
        for number, node in enumerate(network.nodes)
    ]
    return GraphDef(node=nodes, versions=VersionDef(producer=22))


def _name(number: int, node: Node) -> str:
    """Return ``part/operation_number``, of letters that a graph's names may have; boxes nest as parts do."""
    names = [*node.parts, f"{node.operation.label(node)}_{number}"]
    return "/".join(re.sub(r"[^A-Za-z0-9_.-]", "_", name) for name in names)


def _attributes(node: Node) -> dict[str, Any]:
    sizes = [TensorShapeProto.Dim(size=size) for size in (ANY_BATCH, *node.shape)]
    shape = AttrValue.ListValue(shape=[TensorShapeProto(dim=sizes)])
    attributes = {"_output_shapes": AttrValue(list=shape)}
    attributes |= {name: AttrValue(i=size) for name, size in node.operation.sizes(node).items()}
    if node.parameters:
        attributes["parameters"] = AttrValue(i=node.parameters)
    return attributes
