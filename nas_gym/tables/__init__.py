"""Tables: every architecture of a space with its recorded results; files, and where to find them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
