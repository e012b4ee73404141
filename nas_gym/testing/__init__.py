"""Contract suites: what every search space, task, evaluator and agent must hold, to check your own by.

Each function raises an AssertionError that says in one sentence what does not hold and for which
architecture, example or seed. They need no test framework, so a test of your own is one line::

    def test_my_space():
        check_search_space(MySpace(input_shape=(1, 8, 8), outputs=10))
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
