"""The command ``portus-scan``: container images put to every enabled scanner, one answer printed.

What a format is written against is here as well: `TextReporter`, `FolderReporter` and what they are given.
"""

__version__ = "0.1.0"
try:
    from portus_images import attach_stub
except ImportError as error:  # `__main__`, which stands in this package, says so
    _broken = error

    def __getattr__(_name: str) -> object:
        raise _broken
else:
    __getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
