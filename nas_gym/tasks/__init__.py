"""Tasks: one file each; adding one is adding a loader and a line to `TASKS`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
