"""The files of an archive, compressed or not. Opening one blocks."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event

from ..errors import LocalImageError
from .contents import Content, StoppedError, open_file, whole, why
from .inflating import LARGEST_UNPACKED, inflate, is_gzip
from .tar import TarFiles

_OTHERS = {b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class Archive:
    """An archive. One that is compressed with gzip is unpacked into an unnamed temporary file as a whole.

    Args:
        path: Where it is.
        stop: Ends the unpacking.

    Raises:
        LocalImageError: It can't be read, or is none.
        StoppedError: *stop* was set.
    """

    def __init__(self, path: Path, stop: Event) -> None:
        self._file = open_file(path, "; for a folder write oci:")
        try:
            if _is_compressed(whole(self._file), path):
                self._file = _replace(self._file, _unpack(whole(self._file), path, stop))
            self._files = TarFiles(whole(self._file))
        except LocalImageError as error:
            self.close()
            raise LocalImageError(f"{path}: {error}") from error
        except OSError as error:
            self.close()
            raise LocalImageError(f"{path}: {why(error)}") from error
        except StoppedError:
            self.close()
            raise

    def open(self, name: str) -> AbstractContextManager[Content]:
        """See `TarFiles.open`."""
        return self._files.open(name)

    def has(self, name: str) -> bool:
        """See `TarFiles.has`."""
        return self._files.has(name)

    def close(self) -> None:
        """Close the file; a temporary one is gone with that."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def _is_compressed(content: Content, path: Path) -> bool:
    head = content.read(0, 8)
    for mark, name in _OTHERS.items():
        if head.startswith(mark):
            raise LocalImageError(f"it is compressed with {name}, only gzip is read: unpack {path.name} first")
    return is_gzip(content)


def _replace(old: int, new: int) -> int:
    os.close(old)
    return new


def _unpack(content: Content, path: Path, stop: Event) -> int:
    """Unpack into a file without a name, which is gone when it is closed, and return its descriptor."""
    with tempfile.TemporaryFile(prefix="portus-scan-") as target:
        limit = min(LARGEST_UNPACKED, shutil.disk_usage(tempfile.gettempdir()).free // 2)
        size = 0
        for piece in inflate(content, stop):
            size += len(piece)
            if size > limit:
                raise LocalImageError(
                    f"it unpacks to more than {limit} bytes, which is the limit here: unpack {path.name} first"
                )
            target.write(piece)
        target.flush()
        return os.dup(target.fileno())
