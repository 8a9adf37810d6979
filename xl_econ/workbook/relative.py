"""Formulas in R1C1 terms: the same text in two cells means the same formula, wherever they stand."""

from __future__ import annotations

import re
from functools import lru_cache

from .cell import At, address, column_number

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
            at = At(
                int(m["r"]) + (0 if m["dr"] else rows),
                _number(m["c"]) + (0 if m["dc"] else columns),
            )
            letters = address(At(1, at.column))[:-1] if at.column > 0 else ""
            return f"{m['dc']}{letters}{m['dr']}{at.row}" if letters and at.row > 0 else "#REF!"
        if m["c1"]:
            return f"{_moved(m['d1'], m['c1'], columns)}:{_moved(m['d2'], m['c2'], columns)}"
        if m["r1"]:
            one, two = (int(m[r]) + (0 if m[d] else rows) for d, r in (("d3", "r1"), ("d4", "r2")))
            return f"{m['d3']}{one}:{m['d4']}{two}"
        return m[0]

    return _TOKEN.sub(place, formula)


@lru_cache(1 << 12)
def _pieces(key: str) -> tuple[tuple[str, ...], tuple[tuple[bool, int, bool, int], ...]] | None:
    """A key as what stands between its cells, and the cells; None where it has whole rows or columns."""
    if _WHOLE.search(key):
        return None
    between, cells, done = [], [], 0
    for m in _KEY.finditer(key):
        if m["other"]:
            continue
        between.append(key[done : m.start()])
        done = m.end()
        row, column = m["row"], m["column"]
        fixed_row, fixed_column = row[:1].isdigit(), column[:1].isdigit()
        cells.append((fixed_row, int(row.strip("[]") or 0), fixed_column, int(column.strip("[]") or 0)))
    return (*between, key[done:]), tuple(cells)


def placed(key: str, row: int, column: int) -> str:
    """The formula that a key says at a cell; "" where it cannot be told quickly or leads off the sheet."""
    found = _pieces(key)
    if found is None:
        return ""
    between, cells = found
    out = [between[0]]
    for (fixed_row, r, fixed_column, c), text in zip(cells, between[1:], strict=True):
        out.append(_letters(c, True) if fixed_column else _letters(column + c, False))
        out.append(f"${r}" if fixed_row else str(row + r))
        out.append(text)
    return "".join(out)


@lru_cache(1 << 15)
def _letters(number: int, fixed: bool) -> str:
    return ("$" if fixed else "") + (address(At(1, number))[:-1] if number > 0 else "#")


def _moved(fixed: str, letters: str, columns: int) -> str:
    return fixed + (letters if fixed else address(At(1, _number(letters) + columns))[:-1])


def _part(axis: str, fixed: str, number: int, here: int) -> str:
    if fixed:
        return f"{axis}{number}"
    return f"{axis}[{number - here}]" if number != here else axis


@lru_cache(1 << 15)
def _number(letters: str) -> int:
    return column_number(letters)
