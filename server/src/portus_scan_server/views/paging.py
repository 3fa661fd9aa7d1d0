"""Pages of a list, by key: the next one begins behind the last row of this one, whatever was added or removed."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from attrs import fields, frozen
from sqlalchemy import ColumnElement, and_, or_

RowT = TypeVar("RowT")
OtherT = TypeVar("OtherT")

MOST = 1000
"""The most rows that a page may have."""
_LONGEST = 1000
_MOMENT = "@"
_LARGEST = 2**31 - 1


class CursorError(ValueError):
    """What was given as a cursor is not one that a page of this list has had."""


@frozen
class Page(Generic[RowT]):
    """Some rows of a list.

    Attributes:
        rows: The rows.
        next_cursor: What the next page is asked for with; None after the last one.
    """

    rows: tuple[RowT, ...]
    next_cursor: str | None = None

    def map(self, make: Callable[[RowT], OtherT]) -> Page[OtherT]:
        """Return the page with something else made of each row."""
        return Page(tuple(map(make, self.rows)), self.next_cursor)


def page_of(rows: Sequence[RowT], limit: int, key: Callable[[RowT], Sequence[object]]) -> Page[RowT]:
    """Return a page of rows of which one more was asked for than it has.

    Args:
        rows: One more than *limit*, if there are as many.
        limit: How many rows the page has.
        key: Returns the values that the list is in the order of.
    """
    if len(rows) <= limit:
        return Page(tuple(rows))
    shown = rows[:limit]
    return Page(tuple(shown), make_cursor(key(shown[-1])))


def from_row(kind: type[RowT], row: Any, **others: Any) -> RowT:
    """Return an attrs object of a kind: each of its members is the row's column of that name, unless it is given."""
    members: Any = fields(cast(Any, kind))
    return kind(**{one.name: getattr(row, one.name) for one in members if one.name not in others}, **others)


def make_cursor(values: Sequence[object]) -> str:
    """Return a cursor of strings, integers and times."""
    plain = [f"{_MOMENT}{one.isoformat()}" if isinstance(one, datetime) else one for one in values]
    text = json.dumps(plain, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type) -> list[object]:
    """Return the values of a cursor.

    Args:
        cursor: As a page had it, and anybody may have changed it.
        kinds: What each value has to be: ``str``, ``int`` or ``datetime``.

    Raises:
        CursorError: It is not a cursor of such values.
    """
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4)))
        return [_read(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (ValueError, TypeError, binascii.Error, RecursionError, OverflowError):
        raise CursorError("this is not a cursor of a page of this list") from None


def _read(value: object, kind: type) -> object:
    if kind is datetime and isinstance(value, str) and value.startswith(_MOMENT):
        moment = datetime.fromisoformat(value[1:])
        if moment.tzinfo is not None:
            return moment
    elif type(value) is kind and _is_plain(value):
        return value
    raise ValueError


def _is_plain(value: object) -> bool:
    """Return whether databases take a value."""
    return value.isprintable() if isinstance(value, str) else isinstance(value, int) and abs(value) <= _LARGEST


def behind(
    columns: Sequence[ColumnElement[Any]], values: Sequence[object], *, falling: bool = False
) -> ColumnElement[bool]:
    """Return the condition of the rows behind these values, in the order of the columns.

    Args:
        columns: What the list is in the order of.
        values: The last row's.
        falling: Whether each column is in falling order.
    """
    steps = []
    for number, (column, value) in enumerate(zip(columns, values, strict=True)):
        same = [one == known for one, known in zip(columns[:number], values[:number], strict=True)]
        steps.append(and_(*same, column < value if falling else column > value))
    return or_(*steps)
