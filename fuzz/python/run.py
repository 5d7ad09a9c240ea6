"""Feeds `border.check` what Atheris finds: python -m fuzz.python.run [libFuzzer's options] [folders]."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["fastthrift", "fuzz.python.border"]):
    from fuzz.python.border import check

if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
