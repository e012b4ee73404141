"""What threads that compute on one card at the same time must heed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor

_card = threading.RLock()


def alone(device: torch.device) -> AbstractContextManager[object]:
    """Let no other thread record a CUDA graph or take memory of a card meanwhile.

    Memory that one thread takes breaks the recording of another (measured: it fails with
    cudaErrorStreamCaptureUnsupported). On other devices threads do not wait for each other.
    """
    return _card if device.type == "cuda" else nullcontext()


@contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """Compute on a stream of this thread's own, so that threads use a card at the same time."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.default_stream(device))  # on which the data was made
    with torch.cuda.stream(stream):
        yield


def fetched(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU. It waits for the device while others may go on."""
    if tensor.device.type == "cuda":
        torch.cuda.current_stream(tensor.device).synchronize()
    with alone(tensor.device):
        return tensor.to("cpu", copy=True)
