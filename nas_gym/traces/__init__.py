"""Traces: every decision of a run in a file, a digest of it in TensorBoard, snapshots of the policy."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
