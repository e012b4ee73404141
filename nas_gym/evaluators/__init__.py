"""Evaluators: from requests to evaluations; adding one is adding a file and a line to `EVALUATORS`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
