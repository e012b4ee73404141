"""Networks: graphs of operations, how they are built, and the modules they become."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
