from .graph import ACTIVATIONS as ACTIVATIONS
from .graph import Network as Network
from .graph import NetworkBuilder as NetworkBuilder
from .graph import Node as Node
from .graph import Shape as Shape
from .module import NetworkModule as NetworkModule
from .module import initial_weights as initial_weights
