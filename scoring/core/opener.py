"""How a file is opened that somebody else has named."""

from collections.abc import Callable

Opener = Callable[[str, int], int]
"""As `open` takes it: path and flags → descriptor. It may raise what is no OSError, such as InputRefused."""
