"""Executors: where work is done, other than in this process; adding one is adding a file and a line."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
