"""Operations on graphs, which are packed as `nas_gym.tasks.GraphInputs` tells.

States of nodes are (channels, nodes), so that a convolution of kernel 1 is a linear layer at each node. There
may be anything where no node is: nothing here reads it, since no edge leads there and readouts know the
nodes.
"""
