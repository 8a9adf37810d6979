"""The keys of formulas as a sheet is read: nearly every formula is a copy of the one above it or to its left.

What a copy says is known from the key of its model, so that it is only compared and not taken apart.
"""

from __future__ import annotations

from .cell import COLUMNS, column_names
from .relative import across, down, relative


class Copies:
    """The formulas of one sheet, told one after the other."""

    def __init__(self) -> None:
        self._above: dict[int, str] = {}  # the last key of every column
        self._down: dict[int, tuple[str, str, tuple[int, ...]]] = {}  # a key in a column: what it says further down
        self._left = ("", 0)  # the last key of all, and its row
        self._across: tuple[str, int, str, tuple[int, ...]] = ("", 0, "", ())  # what it says further to the right
        self._is_wide = False  # whether the last copy was one of the formula to its left

    def key(self, formula: str, row: int, column: int) -> str:
        """The key of a formula in a cell."""
        ways = (self._of_left, self._of_above) if self._is_wide else (self._of_above, self._of_left)
        key = ways[0](formula, row, column)
        if not key:
            key = ways[1](formula, row, column)
            if key:
                self._is_wide = not self._is_wide
            else:
                key = relative(formula, row, column)
        self.is_at(key, row, column)
        return key

    def is_at(self, key: str, row: int, column: int) -> None:
        """Take note of a formula whose key is known."""
        self._above[column] = key
        self._left = key, row

    def _of_above(self, formula: str, row: int, column: int) -> str:
        """The key of the formula above, if that says the same here."""
        key = self._above.get(column)
        if key is None:
            return ""
        held = self._down.get(column)
        if held is None or held[0] is not key:
            held = self._down[column] = (key, *down(key, column))
        _, text, away = held
        return key if text and text % tuple(map(row.__add__, away)) == formula else ""

    def _of_left(self, formula: str, row: int, column: int) -> str:
        """The key of the formula before it in its row, if that says the same here."""
        key, its_row = self._left
        if its_row != row:
            return ""
        if self._across[0] is not key or self._across[1] != row:
            self._across = (key, row, *across(key, row))
        _, _, text, away = self._across
        if not text or (away and not 1 <= column + min(away) <= column + max(away) <= COLUMNS):
            return ""
        names = column_names()
        return key if text % tuple([names[column + n] for n in away]) == formula else ""
