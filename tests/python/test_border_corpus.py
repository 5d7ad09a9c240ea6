"""What the fuzzer of the Python package kept still passes its check."""

from __future__ import annotations

import pytest

from fuzz.python.border import USES, check
from tests.python.conftest import ROOT

CORPUS = ROOT / "fuzz" / "corpus" / "python"


def test_every_kept_input_passes() -> None:
    files = sorted(CORPUS.iterdir())
    assert len(files) > 20
    for file in files:
        check(file.read_bytes())


@pytest.mark.parametrize("use", range(len(USES)))
def test_every_use_passes_with_no_bytes_and_with_any(use: int) -> None:
    for byte in range(256):
        check(bytes([use, *[byte] * 40]))
    check(bytes([use]))
