"""The files of a folder. Symbolic links that lead out of it are not followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import LocalImageError
from .contents import Content, opened, why


class Folder:
    """A folder with an OCI image layout.

    Args:
        path: Where it is.

    Raises:
        LocalImageError: There is none.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._root = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise LocalImageError(f"{path}: {why(error)}") from error
        if not self._root.is_dir():
            raise LocalImageError(f"{path} is no folder; for a file write oci-archive: or docker-archive:")

    @contextmanager
    def open(self, name: str) -> Iterator[Content]:
        """Open one file for as long as the context lasts.

        Args:
            name: With slashes, from the folder on.

        Raises:
            LocalImageError: There is no such file, or it lies elsewhere.
        """
        path = self._root / name
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise LocalImageError(f"{name}: {why(error)}") from error
        if not real.is_relative_to(self._root):
            raise LocalImageError(f"{name} is a link out of the folder")
        with opened(real) as content:
            yield content

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        try:
            return (self._root / name).is_file()
        except OSError as error:
            raise LocalImageError(f"{self._root}: {why(error)}") from error

    def close(self) -> None:
        """Do nothing: no file stays open."""
