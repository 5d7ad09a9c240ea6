"""Log records as lines of ``name=value``."""

from __future__ import annotations

import json
import logging
import time
import traceback

FIELDS = ("function", "service", "peer", "error")
"""What records of the logger ``fastthrift.server`` may say besides their message."""


class LineFormatter(logging.Formatter):
    """One line a record, whatever its message and traceback hold."""

    def __init__(self, **fields: object) -> None:
        super().__init__()
        self.fields = fields

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        values: dict[str, object] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            **self.fields,
            "message": record.getMessage(),
        }
        values |= {name: getattr(record, name) for name in FIELDS if getattr(record, name, None) is not None}
        values |= getattr(record, "fields", {})
        if record.exc_info:
            values["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return " ".join(f"{name}={_quoted(value)}" for name, value in values.items())


def configure(level: str, **fields: object) -> None:
    """Send what is logged to the standard error output, as such lines."""
    output = logging.StreamHandler()
    output.setFormatter(LineFormatter(**fields))
    logging.basicConfig(level=level.upper(), handlers=[output])


def _quoted(value: object) -> str:
    text = str(value)
    is_plain = text.isascii() and text.isprintable() and text and not set(text) & set(' "=\\')
    return text if is_plain else json.dumps(text)
