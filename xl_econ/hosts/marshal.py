"""Between COM and the core: what Excel hands over through `Value2`, and what it shows right.

In come floats, texts, booleans, blanks, error codes and, for a range, tuples of rows. Out go rows of floats and texts:
never an integer of 64 bits, a NaN, an infinity or a text that is too long, none of which a cell shows as it is. An
error value goes out as its text, because pywin32 loses the code of an error; the VBA wrapper makes the error of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from itertools import chain
from operator import countOf
from typing import Any

from xl_econ.core.errors import InputError

# Excel's numbers of errors (XlCVError); COM carries one as a 32-bit code.
ERRORS = {
    2000: "#NULL!",
    2007: "#DIV/0!",
    2015: "#VALUE!",
    2023: "#REF!",
    2029: "#NAME?",
    2036: "#NUM!",
    2042: "#N/A",
    2043: "#GETTING_DATA",
    2045: "#SPILL!",
    2046: "#CONNECT!",
    2047: "#BLOCKED!",
    2048: "#UNKNOWN!",
    2049: "#FIELD!",
    2050: "#CALC!",
}
_FIRST_CODE = 0x800A0000 - 2**32
# Any number of these is an error that this version does not know yet; a cell's own numbers are floats.
_CODES = range(_FIRST_CODE + 2000, _FIRST_CODE + 2100)
OMITTED = 0x80020004 - 2**32  # an optional argument that was left out
LONGEST_TEXT = 32_767


def incoming(value: Any) -> Any:
    """A COM value as the core takes it.

    Args:
        value: A cell's `Value2`, or that of a range: a tuple of rows.

    Returns:
        A float, text, boolean, None for a blank or an omission, an error's text; of a range, a float array if all of it
        is numbers, else a list of rows of such values.

    Raises:
        InputError: A currency that COM has rounded, rows of different length.
    """
    if type(value) is float:
        return value
    return _range(value) if isinstance(value, list | tuple) else _cell(value)


def _cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        raise InputError(f"{value}: a currency cell that came rounded to 4 decimals; pass its Value2")
    if isinstance(value, int) and not isinstance(value, bool):
        if value == OMITTED:
            return None
        return ERRORS.get(value - _FIRST_CODE, "#VALUE!") if value in _CODES else float(value)
    return value


def _range(value: Any) -> Any:
    """A range as rows; 100,000 of them take their time, so numbers are told from the rest by their types at once."""
    rows = value if value and isinstance(value[0], list | tuple) else (value,)
    if not value or not rows[0] or countOf(map(len, rows), len(rows[0])) != len(rows):
        raise InputError("a range needs cells, and rows of the same length")
    cells = list(chain.from_iterable(rows))
    if countOf(map(type, cells), float) == len(cells):
        import numpy as np

        return np.fromiter(cells, float, len(cells)).reshape(len(rows), -1)
    return [[_cell(v) for v in row] for row in rows]


def outgoing(value: Any) -> list[list[Any]]:
    """A result as rows of cells that Excel shows right; a single value is one row of one.

    Args:
        value: A number, a text, a list of rows, an array.
    """
    if type(value) is float:
        return [[value if math.isfinite(value) else "#NUM!"]]
    if hasattr(value, "dtype") and value.dtype.kind == "f":
        import numpy as np

        if value.size and np.isfinite(value).all():
            return _rows(value.tolist())
    listed = value.tolist() if hasattr(value, "tolist") else value
    return [[_shown(v) for v in row] for row in _rows(listed)]


def _rows(listed: Any) -> list[list[Any]]:
    """Nothing but rows: a single value becomes one row of one, a list of values one row."""
    if not isinstance(listed, list):
        return [[listed]]
    return [row if isinstance(row, list) else [row] for row in listed] if _nested(listed) else [listed]


def _nested(listed: Iterable[Any]) -> bool:
    return any(isinstance(row, list) for row in listed)


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else "#VALUE!"
    number = float(value)
    return number if math.isfinite(number) else "#NUM!"
