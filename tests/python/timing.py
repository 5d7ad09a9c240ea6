"""How exactly tests look at the clock."""

from __future__ import annotations

LATE = 5.0
"""The seconds by which a loaded machine may be late with what is to happen at once.

What could happen instead has to take longer, or to end in another way.
"""
