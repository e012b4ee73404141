"""What proxies read of many networks, computed side by side in the kernels that train them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from nas_gym.evaluators.proxies.base import Reads
from nas_gym.evaluators.proxies.probe import Examples, Probe, codes_of, rows_of
from nas_gym.training import (
    INPUT_NODE,
    BatchPass,
    NetworkReading,
    NodesToRead,
    gives_input_gradients,
    read_side_by_side,
    readable_chunks,
)

ALONE = 16
"""Networks of a chunk of which each is read alone: progress is told after every chunk."""
OF_BACKWARD: frozenset[Reads] = frozenset(("gradients", "layer_gradients", "second_gradients"))


@dataclass(frozen=True)
class ProbeChunk:
    """Probes of a pool, of one seed, that are looked at together.

    Attributes:
        probes: the probes.
        reads: what is computed for all of them side by side; () where each computes what it needs.
    """

    probes: Sequence[Probe]
    reads: Collection[Reads] = ()

    def read(self) -> None:
        """Give the probes what is computed side by side.

        The numbers are those of a probe alone but for rounding, and on a CPU no other of the chunk has a part
        in them, save in gradients by the input of a convolution.
        """
        if "input_gradients" in self.reads:
            self._read_input_gradients()
        if set(self.reads) - {"input_gradients"}:
            self._read_results_and_gradients()

    def _read_results_and_gradients(self) -> None:
        """Give results, and gradients of the loss."""
        reads = self.reads
        batches = self._examples.batches[: 2 if "second_gradients" in reads else 1]
        nodes = [_nodes(probe, reads) for probe in self.probes]
        backward = bool(OF_BACKWARD.intersection(reads))
        found = self._read(self.probes, nodes, [BatchPass(x, y, backward) for x, y in batches])
        for m, probe in enumerate(self.probes):
            first = found[0][m]
            if "codes" in reads:
                probe.codes = codes_of(
                    [first.results[number] for number in probe.activation_inputs], len(batches[0][0])
                )
            if "layer_results" in reads:
                probe.layer_results = [first.results[number] for number in probe.layers]
            if "gradients" in reads:
                probe.detached_weights = _of_places(probe, first.weights)
                probe.gradients = _of_places(probe, first.gradients)
            if "layer_gradients" in reads:
                probe.layer_gradients = [first.result_gradients[number] for number in probe.layers]
            if len(found) > 1:
                probe.second_gradients = _of_places(probe, found[1][m].gradients)

    def _read_input_gradients(self) -> None:
        """Give the gradients of the sum of the outputs by the inputs, where kernels give them."""
        probes = [probe for probe in self.probes if probe.embeddings or gives_input_gradients(probe.network)]
        if not probes:
            return
        nodes = [NodesToRead((), probe.embeddings or [INPUT_NODE]) for probe in probes]
        (found,) = self._read(probes, nodes, [BatchPass(self._examples.batches[0][0], None)])
        for probe, each in zip(probes, found, strict=True):
            probe.input_gradients = rows_of(list(each.result_gradients.values()))

    @property
    def _examples(self) -> Examples:
        examples = self.probes[0].examples
        assert examples is not None
        return examples

    def _read(
        self, probes: Sequence[Probe], nodes: Sequence[NodesToRead], passes: Sequence[BatchPass]
    ) -> list[list[NetworkReading]]:
        first, examples = probes[0], self._examples
        return read_side_by_side(
            [probe.network for probe in probes],
            first.seed,
            nodes,
            passes,
            loss=examples.loss,
            outputs=examples.outputs,
            device=first.device,
        )


def chunks_of_probes(probes: Sequence[Probe], reads: Collection[Reads]) -> Iterator[ProbeChunk]:
    """Yield the probes of a pool in chunks: those that are best read together, and the others.

    Args:
        probes: of one seed.
        reads: what is read.
    """
    # Without weights there is no gradient, and a probe says so by itself.
    live = [probe for probe in probes if reads and probe.live and probe.places]
    together: set[Probe] = set()
    if live and (examples := live[0].examples) is not None:
        batch = len(examples.batches[0][0])
        planned = readable_chunks([probe.network for probe in live], batch, live[0].device)
        for places in planned:
            chunk = [live[place] for place in places]
            together.update(chunk)
            yield ProbeChunk(chunk, reads)
    others = [probe for probe in probes if probe not in together]
    for start in range(0, len(others), ALONE):
        yield ProbeChunk(others[start : start + ALONE])


def _nodes(probe: Probe, reads: Collection[Reads]) -> NodesToRead:
    """Return what is read of a network."""
    inputs = probe.activation_inputs if "codes" in reads else []
    layers = probe.layers if "layer_results" in reads else []
    return NodesToRead([*inputs, *layers], probe.layers if "layer_gradients" in reads else ())


def _of_places(probe: Probe, arrays: Mapping[int, Mapping[str, Tensor]]) -> list[Tensor]:
    """Return the arrays of the weights of layers."""
    return [arrays[number][name] for number, name in probe.places]
