"""JSON of any length, read a value at a time: however it is indented, only one value is in memory."""

from __future__ import annotations

import codecs
import json
from typing import Any, BinaryIO

from portus_images import json_decoder
from portus_scanners import InvalidDocumentError
from portus_scanners.serialize import UNFINISHED, not_json

LONGEST_VALUE = 256 * 1024 * 1024
"""Characters of one value that is read, such as the report of one image; bytes of a line of JSON Lines."""
_PIECE = 1024 * 1024
_BLANKS = " \t\n\r"
_NEAR_THE_END = 16
"""Characters before the end at which Python's reader may find fault with what goes on behind it: ``\\ud83d\\ude0``."""
_OPEN_STRING = "Unterminated string"


class JsonStream:
    """A file in UTF-8.

    Args:
        file: The file, from its place on; it is read to the end of what is asked for, and further.

    Raises:
        InvalidDocumentError: Each method, where the file is not JSON, or a value is longer than `LONGEST_VALUE`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._reader = json_decoder()
        self._text = ""
        self._next = 0
        self._lines = 1
        self._ended = False
        self.place = file.tell()
        """Bytes of the file before what is read next."""

    def peek(self) -> str:
        """Return the next character that is not blank, without taking it; an empty string at the end."""
        while True:
            rest = self._next
            while self._text[rest : rest + 1] in _BLANKS and rest < len(self._text):
                rest += 1
            self._take_to(rest)
            if rest < len(self._text) or self._ended:
                return self._text[rest : rest + 1]
            self._fill()

    def take(self, wanted: str) -> str:
        """Take the next character that is not blank, which has to be one of those."""
        found = self.peek()
        if not found or found not in wanted:
            raise self._fault(f"Expecting {' or '.join(map(repr, wanted))}", self._next)
        self._take_to(self._next + 1)
        return found

    def value(self) -> Any:
        """Take the next value, and return it as `load_json` would."""
        self.peek()
        while True:
            try:
                value, end = self._reader.raw_decode(self._text, self._next)
            except json.JSONDecodeError as error:
                if self._ended or not self._may_go_on(error):
                    raise self._fault(error.msg, error.pos) from error
            except (ValueError, RecursionError) as error:  # a member twice; more digits than Python reads; too deep
                raise not_json(error) from error
            else:
                if self._ended or end < len(self._text):  # the next digit of a number may be yet to come
                    self._take_to(end)
                    return value
            if len(self._text) - self._next > LONGEST_VALUE:
                raise self._fault(f"a value has more than {LONGEST_VALUE:,} characters", self._next)
            self._fill()

    def _take_to(self, place: int) -> None:
        taken = self._text[self._next : place]
        self.place += len(taken) if taken.isascii() else len(taken.encode())
        self._next = place

    def _fill(self) -> None:
        """Read on: as much as there is that nobody could read, so that the whole is read twice at most."""
        rest = len(self._text) - self._next
        piece = self._file.read(max(rest, _PIECE))
        self._lines += self._text.count("\n", 0, self._next)
        self._ended = not piece
        try:
            self._text = self._text[self._next :] + self._decoder.decode(piece, final=self._ended)
        except UnicodeDecodeError as error:
            raise not_json(error) from error
        self._next = 0

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Return whether the fault may be that the text goes on behind the piece that was read."""
        return error.msg.startswith(_OPEN_STRING) or error.pos >= len(self._text) - _NEAR_THE_END

    def _fault(self, words: str, place: int) -> InvalidDocumentError:
        line = self._lines + self._text.count("\n", 0, place)
        end = f" ({UNFINISHED})" if self._ended and place >= len(self._text.rstrip(_BLANKS)) else ""
        return not_json(f"{words.removesuffix(' starting at')}: line {line}{end}")
