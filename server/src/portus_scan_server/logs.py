"""The log of the service and of its runner: lines of text, or of JSON for programs that collect them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from portus_images import one_line

_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_LONGEST = 4_000


class LineFormatter(logging.Formatter):
    """Writes a record's message as one line, whatever foreign words are in it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the base class names it)
        """Return the line."""
        return one_line(super().formatMessage(record), _LONGEST)


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON: time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def begin_log(form: str) -> None:
    """Write the log to stderr.

    Args:
        form: ``text`` or ``json``.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else LineFormatter(_TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)  # the command has put one that is silent
