"""Explanations: why a search, or all of a folder, ended where it did, and how far to trust that."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
