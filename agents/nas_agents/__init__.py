"""Agents that search nas-gym environments, and their comparison at equal budget.

An agent is one file, one line in `nas_agents.registry.AGENTS` and one in the stub of this module.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
