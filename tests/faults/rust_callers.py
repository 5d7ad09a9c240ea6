"""The callers that are written in Rust, in a process of their own: how they share connections, and what they saw."""

from __future__ import annotations

import enum
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.faults.callers import Opening, Tally


class Sharing(enum.Enum):
    """How they share connections."""

    ONE = "one"
    """All calls are on one connection."""
    EIGHT = "eight"
    """They are on eight connections."""
    POOL = "pool"
    """Each call in flight has a connection of its own, of a pool."""
    RETRYING = "retrying"
    """The same, and what may be asked again is."""
    BLOCKING = "blocking"
    """Threads share a channel that blocks."""


def run(
    ask: Callable[[str], dict[str, Any]],
    sharing: Sharing,
    opening: Opening,
    *,
    callers: int,
    calls: int,
    seed: int,
    may_be_damaged: bool,
) -> Tally:
    """Let the process that answers `ask` call until so many calls were made, and return what its callers saw."""
    task = {
        "sharing": sharing.value,
        "url": opening.url,
        "deadline": opening.deadline,
        **opening.options,
        "callers": callers,
        "calls": calls,
        "seed": seed,
        "may_be_damaged": may_be_damaged,
    }
    said = ask(json.dumps(task))
    foreign = {int(number): asked for number, asked in said.pop("foreign").items()}
    return Tally(**{**said, "errors": Counter(said["errors"]), "foreign": foreign})
