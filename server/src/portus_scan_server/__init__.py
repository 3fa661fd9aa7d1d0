"""The service: every image of a registry scanned, kept up to date, and shown on pages.

There is nothing to import: ``portus-scan serve`` and ``portus-scan db`` are its doors.
"""

__version__ = "0.1.0"
__all__: tuple[str, ...] = ()
