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
# Texts, quoted sheets and brackets of tables are passed over; a number that is no part of anything else.
_NUMBER = re.compile(
    r"""\x22(?:[^\x22]|\x22\x22)*\x22|'(?:[^']|'')*'|\[(?!-?\d+\])(?:[^\[\]]|\[[^\[\]]*\])*\]
    |(?<![\w.\\?\[])(\d+\.?\d*|\.\d+)(?![\w.!\]])""",
    re.X,
)
_WHOLE = re.compile(r"[RC](?:\d+|\[-?\d+\])?:[RC](?![-\d\[\]]*C)|\[[^\]\d-]")


def relative(formula: str, row: int, column: int) -> str:
    """A formula with every reference as its distance: `=R[-1]C*R2C[3]`."""

    def place(m: re.Match[str]) -> str:
        other, dc, c, dr, r, d1, c1, d2, c2, d3, r1, d4, r2 = m.groups()
        if c:
            return _part("R", dr, int(r), row) + _part("C", dc, _number(c), column)
        if c1:
            return _part("C", d1, _number(c1), column) + ":" + _part("C", d2, _number(c2), column)
        return str(other or _part("R", d3, int(r1), row) + ":" + _part("R", d4, int(r2), row))

    return _TOKEN.sub(place, formula)


@lru_cache(1 << 17)
def shape(key: str) -> str:
    """A key with 0 for every number: it reads what the key reads, in the same places, and many keys share it."""
    return _NUMBER.sub(lambda m: "0" if m[1] else m[0], key)


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
    text, away = down(key, column)
    return text % tuple([row + n for n in away])


@lru_cache(1 << 15)
def down(key: str, column: int) -> tuple[str, tuple[int, ...]]:
    """A key in a column: its formula with %d for every row that moves along, and how far away those rows are.

    Empty where the key has whole rows or columns, or leads off the sheet.
    """
    places, end = _places(key)
    text: list[str] = []
    for between, fixed_row, row, fixed_column, number in places:
        there = number if fixed_column else column + number
        if not 1 <= there <= COLUMNS:
            return "", ()
        text += (between, _letters(there, fixed_column), f"${row}" if fixed_row else "%d")
    return "".join(text) + end, tuple(row for _, fixed, row, _, _ in places if not fixed)


def across(key: str, row: int) -> tuple[str, tuple[int, ...]]:
    """A key in a row: its formula with %s for the letters of every column that moves along, and how far those are.

    Empty as that of `down` is.
    """
    places, end = _places(key)
    text: list[str] = []
    for between, fixed_row, number, fixed_column, column in places:
        there = number if fixed_row else row + number
        if not 1 <= there <= ROWS:
            return "", ()
        text += (between, _letters(column, True) if fixed_column else "%s", f"${there}" if fixed_row else f"{there}")
    return "".join(text) + end, tuple(column for _, _, _, fixed, column in places if not fixed)


@lru_cache(1 << 14)
def _places(key: str) -> tuple[list[tuple[str, bool, int, bool, int]], str]:
    """The cells of a key, each with the text before it: whether its row is fixed, that or how far it is, its column.

    With the text behind them, all ready for %; nothing where the key has whole rows or columns.
    """
    found: list[tuple[str, bool, int, bool, int]] = []
    if _WHOLE.search(key):
        return found, ""
    done = 0
    for m in _KEY.finditer(key):
        if m["other"]:
            continue
        between = key[done : m.start()].replace("%", "%%")
        done = m.end()
        row, column = m["row"], m["column"]
        found.append(
            (between, row[:1].isdigit(), int(row.strip("[]") or 0), column[:1].isdigit(), int(column.strip("[]") or 0))
        )
    return found, key[done:].replace("%", "%%")


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
