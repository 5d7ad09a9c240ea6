"""What a process holds: its descriptors, threads and memory, before and after."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

MEMORY_SLACK = 12 << 20
"""The bytes by which a process may have grown: what an allocator with an arena a thread keeps of a busy moment."""


def held() -> dict[str, int]:
    """Return what this process holds: open descriptors, threads of the system, threads of Python, bytes of memory."""
    gc.collect()
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "python threads": threading.active_count(),
        "bytes": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
    }


def leaks(before: Mapping[str, int], now: Callable[[], Mapping[str, int]], *, seconds: float = 10) -> list[str]:
    """Say of what there is more than before, once some time was given to let it go."""
    end = time.monotonic() + seconds
    while True:
        after = now()
        found = [
            f"{name}: {before[name]:,} before, {after[name]:,} after"
            for name in before
            if after[name] - before[name] > (MEMORY_SLACK if name == "bytes" else 0)
        ]
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.1)
