"""Formulas in R1C1 terms: the same text in two cells means the same formula, wherever they stand."""

from __future__ import annotations

import re
from functools import lru_cache

from .cell import COLUMNS, ROWS, At, address, column_number

# Texts, quoted sheets and brackets are passed over; then a cell, whole columns, whole rows.
_TOKEN = re.compile(
    r"""(?P<other>"(?:[^"]|"")*"|'(?:[^']|'')*'!?|\[(?:[^\[\]]|\[[^\[\]]*\])*\])
    |(?<![\w.$\\])(?P<dc>\$?)(?P<c>[A-Za-z]{1,3})(?P<dr>\$?)(?P<r>[1-9]\d{0,6})(?![\w.(!\[])
    |(?<![\w.$\\])(?P<d1>\$?)(?P<c1>[A-Za-z]{1,3}):(?P<d2>\$?)(?P<c2>[A-Za-z]{1,3})(?![\w.(!\[])
    |(?<![\w.$\\])(?P<d3>\$?)(?P<r1>[1-9]\d*):(?P<d4>\$?)(?P<r2>[1-9]\d*)(?![\w.])""",
    re.X,
)

# The same in a key: a cell is R or C, with a number where it is fixed and a distance in brackets where it is not.
_KEY = re.compile(
    r"""(?P<other>"(?:[^"]|"")*"|'(?:[^']|'')*'!?)
    |(?<![\w.$\\])R(?P<row>\d+|\[-?\d+\]|)C(?P<column>\d+|\[-?\d+\]|)(?![\w.(!\[])""",
    re.X,
)
_WHOLE = re.compile(r"[RC](?:\d+|\[-?\d+\])?:[RC](?![-\d\[\]]*C)|\[[^\]\d-]")


def relative(formula: str, row: int, column: int) -> str:
    """A formula with every reference as its distance: `=R[-1]C*R2C[3]`."""

    def place(m: re.Match[str]) -> str:
        if m["c"]:
            return _part("R", m["dr"], int(m["r"]), row) + _part("C", m["dc"], _number(m["c"]), column)
        if m["c1"]:
            return _part("C", m["d1"], _number(m["c1"]), column) + ":" + _part("C", m["d2"], _number(m["c2"]), column)
        if m["r1"]:
            return _part("R", m["d3"], int(m["r1"]), row) + ":" + _part("R", m["d4"], int(m["r2"]), row)
        return m[0]

    return _TOKEN.sub(place, formula)


def shifted(formula: str, rows: int, columns: int) -> str:
    """A formula as a copy of it reads that stands so many rows below and columns to the right."""

    def place(m: re.Match[str]) -> str:
        if m["c"]:
            ends = [(m["dc"], m["c"], m["dr"], m["r"])]
        elif m["c1"]:
            ends = [(m["d1"], m["c1"], "", ""), (m["d2"], m["c2"], "", "")]
        elif m["r1"]:
            ends = [("", "", m["d3"], m["r1"]), ("", "", m["d4"], m["r2"])]
        else:
            return m[0]
        moved = [
            _moved(dc, c, 0 if dc else columns, COLUMNS) + _moved(dr, r, 0 if dr else rows, ROWS)
            for dc, c, dr, r in ends
        ]
        return "#REF!" if any("#" in m for m in moved) else ":".join(moved)

    return _TOKEN.sub(place, formula)


def placed(key: str, row: int, column: int) -> str:
    """The formula that a key says at a cell; "" where it cannot be told quickly or leads off the sheet."""
    text, rows = _template(key, column)
    return text % tuple([row + r for r in rows])


@lru_cache(1 << 15)
def _template(key: str, column: int) -> tuple[str, tuple[int, ...]]:
    """A key in a column: its formula with %d for every row that moves along, and how far away those rows are.

    Empty where the key has whole rows or columns, or leads off the sheet.
    """
    if _WHOLE.search(key):
        return "", ()
    out, rows, done = [], [], 0
    for m in _KEY.finditer(key):
        if m["other"]:
            continue
        out.append(key[done : m.start()].replace("%", "%%"))
        done = m.end()
        fixed_row, fixed_column = m["row"][:1].isdigit(), m["column"][:1].isdigit()
        number = int(m["column"].strip("[]") or 0) + (0 if fixed_column else column)
        if not 1 <= number <= COLUMNS:
            return "", ()
        out.append(_letters(number, fixed_column) + (f"${m['row']}" if fixed_row else "%d"))
        if not fixed_row:
            rows.append(int(m["row"].strip("[]") or 0))
    return "".join([*out, key[done:].replace("%", "%%")]), tuple(rows)


@lru_cache(1 << 15)
def _letters(number: int, fixed: bool) -> str:
    return ("$" if fixed else "") + address(At(1, number))[:-1]


def _moved(fixed: str, text: str, by: int, last: int) -> str:
    """A row's number or a column's letters, so many further; # beyond the sheet."""
    if not text:
        return ""
    number = (int(text) if text.isdigit() else _number(text)) + by
    if not 1 <= number <= last:
        return "#"
    return fixed + (str(number) if text.isdigit() else _letters(number, False))


def _part(axis: str, fixed: str, number: int, here: int) -> str:
    if fixed:
        return f"{axis}{number}"
    return f"{axis}[{number - here}]" if number != here else axis


@lru_cache(1 << 15)
def _number(letters: str) -> int:
    return column_number(letters)
