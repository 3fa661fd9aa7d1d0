"""Where log records go: nowhere, or to stderr with ``--verbose``."""

from __future__ import annotations

import logging

from .terminal import safe


class SafeFormatter(logging.Formatter):
    """Keeps hostile text in messages and tracebacks from acting on the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the message on one line."""
        return safe(super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802
        """Return the traceback, each of its lines made safe."""
        return "\n".join(map(safe, super().formatException(ei).splitlines()))  # type: ignore[arg-type]


def set_up_logging(*, verbose: bool) -> None:
    """Send every record to stderr, tracebacks of broken plugins among them; or none at all."""
    root = logging.getLogger()
    if not verbose:
        root.addHandler(logging.NullHandler())  # without any handler Python prints warnings and errors
        return
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("portus_scanners").setLevel(logging.DEBUG)
