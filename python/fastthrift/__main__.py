"""``python -m fastthrift``: the commands."""

from __future__ import annotations

import sys

from fastthrift._cli import main

sys.exit(main())
