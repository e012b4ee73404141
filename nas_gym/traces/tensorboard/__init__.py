"""TensorBoard events of a run: scalars, pictures, tables and the embedding."""

import lazy_loader

# The face of traces hands out `summaries` as a module, which is imported when it is asked for.
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["summaries"])
