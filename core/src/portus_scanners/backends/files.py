"""Files that belong to images, such as reports and SBOMs: where they are, and how a scanner reads them."""

from __future__ import annotations

import asyncio
import codecs
import os
import re
import stat
from typing import Any
from urllib.parse import quote

from attrs import Attribute, field, frozen
from portus_images import Image, RepeatedMemberError, load_json, one_line

from ..errors import InvalidReportError, ScannerError, UnsupportedImageError

_PLACEHOLDERS = ("registry", "repository", "tag", "digest")
_LONGEST_PATH = 500
_MOST_SHOWN = 1000
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")


def _check_placeholders(_instance: object, _attribute: Attribute[str], value: str) -> None:
    if any(match[1] not in _PLACEHOLDERS for match in _BRACES.finditer(value)):
        known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
        raise ValueError(f"a path may have {known}, and no other braces")


@frozen
class PathTemplate:
    """A path, on disk or of a URL, with placeholders for an image's names: ``/reports/{repository}/{digest}.json``.

    Attributes:
        text: The template. ``{registry}``, ``{repository}`` and ``{tag}`` are those of the reference, ``{digest}`` is
            that of the image's own manifest, not of an index.

    Raises:
        ValueError: The template has other braces.
    """

    text: str = field(validator=_check_placeholders)

    def fill(self, image: Image) -> str:
        """Return the path for an image.

        Values are percent-encoded, all but letters, digits and ``_.-~:``, so that each one stays a single name in its
        folder: ``team/app`` becomes ``team%2Fapp``.

        Raises:
            UnsupportedImageError: The image has no such name: it was asked for by digest only, say.
        """

        def value_of(match: re.Match[str]) -> str:
            name = match[1]
            value = image.digest if name == "digest" else getattr(image.reference, name, None)
            if not value:
                raise UnsupportedImageError(f"the path {self.text!r} needs a {name}, and the reference has none")
            return _encode(value)

        return _BRACES.sub(value_of, self.text)


async def read_file(path: str, *, max_size: int) -> bytes:
    """Return the content of a regular file of at most *max_size* bytes, read in a thread.

    Raises:
        InvalidReportError: The file is longer.
        ScannerError: It is not there, can't be read, or is not a regular file. The message names the path.
    """
    return await asyncio.to_thread(_read, path, max_size)


def read_json(content: bytes, what: str) -> Any:
    """Return the JSON value that a file contains.

    Args:
        content: The file's content: UTF-8, UTF-16 or UTF-32, with or without a byte order mark.
        what: What messages call the file.

    Raises:
        InvalidReportError: The content is not JSON, or an object in it has two members of one name.
    """
    try:
        return load_json(content.decode("utf-8-sig") if content.startswith(codecs.BOM_UTF8) else content)
    except RepeatedMemberError as error:
        raise InvalidReportError(what, faults=[str(error)]) from error
    except (ValueError, RecursionError) as error:
        msg = f"{what} is not JSON: {one_line(content[:_MOST_SHOWN].decode(errors='replace')) or 'it is empty'}"
        raise InvalidReportError(msg) from error


def _encode(value: str) -> str:
    encoded = quote(value, safe=":")
    return encoded if encoded.strip(".") else encoded.replace(".", "%2E")  # . and .. are folders


def _read(path: str, max_size: int) -> bytes:
    shown = one_line(path, _LONGEST_PATH)
    try:
        # O_NONBLOCK: a thread that waits for a pipe could not be ended
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ScannerError(f"{shown} is not a file")
            content = file.read(max_size + 1)
    except FileNotFoundError as error:
        raise ScannerError(f"there is no file {shown}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or "it is not a valid path"
        raise ScannerError(f"{shown} can't be read: {why}") from error
    if len(content) > max_size:
        raise InvalidReportError(f"{shown} is longer than {max_size} bytes")
    return content
