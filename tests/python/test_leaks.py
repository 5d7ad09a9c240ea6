"""Nothing is left of many rounds of what works and what fails, and every reference is given back.

`FASTTHRIFT_LEAK_ROUNDS=1000000` makes it a million rounds in each protocol.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.python.conftest import ROOT

ROUNDS = int(os.environ.get("FASTTHRIFT_LEAK_ROUNDS") or 25_000)
"""Of each there are four readings and writings: two that work, and two or three that do not."""


@pytest.mark.timeout(60 + ROUNDS // 500)
@pytest.mark.parametrize("protocol", ["binary", "compact", "json", "simplejson"])
def test_memory_and_reference_counts_stay_as_they_are(protocol: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.python.churn", protocol, str(ROUNDS)],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    grown = json.loads(run.stdout)
    assert grown.pop("bytes") < 1 << 20
    assert grown.pop("objects") < 100
    assert grown.pop("references") < 1_000
    assert -4096 <= grown.pop("None") < 10  # the cache of attributes is full of them until it is used
    assert {name: count for name, count in grown.items() if abs(count) > 10} == {}
