"""The keys of formulas as a sheet is read: nearly every formula is a copy of the one above it or to its left.

What a copy says is known from the key of its model, so that it is only compared and not taken apart.
"""

from __future__ import annotations

from .cell import COLUMNS, column_names
from .relative import across, down, relative

_FEW = 3  # formulas that are no copies, after which the next is taken apart without being compared first
_NONE: tuple[str, str | None, tuple[int, ...]] = ("", None, ())


class Copies:
    """The formulas of one sheet, told one after the other."""

    def __init__(self) -> None:
        # The last key of every column, and what it says further down: None where nobody has asked yet.
        self._above: dict[int, tuple[str, str | None, tuple[int, ...]]] = {}
        self._left = ("", 0)  # the last key of all, and its row
        self._across: tuple[str, int, str, tuple[int, ...]] = ("", 0, "", ())  # what it says further to the right
        self._is_wide = False  # whether the last copy was one of the formula to its left
        self._alone = 0  # formulas since then that are copies of neither

    def key(self, formula: str, row: int, column: int) -> str:
        """The key of a formula in a cell."""
        if not self._is_wide:  # what most are, without another call
            key, text, away = self._above.get(column, _NONE)
            if text and text % tuple([row + n for n in away]) == formula:
                self._left = key, row
                return key
        return self._key(formula, row, column)

    def _key(self, formula: str, row: int, column: int) -> str:
        if self._alone > _FEW:
            key = relative(formula, row, column)
            above, (left, its_row) = self._above.get(column, _NONE)[0], self._left
            if key == above or (key == left and row == its_row):
                key, self._alone = above if key == above else left, 0
            self.is_at(key, row, column)
            return key
        if self._is_wide:
            key = self._of_left(formula, row, column) or self._of_above(formula, row, column)
            self._is_wide = key is self._left[0]
        else:
            key = self._of_above(formula, row, column)
            if not key:
                key = self._of_left(formula, row, column)
                self._is_wide = key != ""
        self._alone = 0 if key else self._alone + 1
        key = key or relative(formula, row, column)
        self.is_at(key, row, column)
        return key

    def is_at(self, key: str, row: int, column: int) -> None:
        """Take note of a formula whose key is known."""
        held = self._above.get(column)
        if held is None or held[0] is not key:
            self._above[column] = key, None, ()
        self._left = key, row

    def _of_above(self, formula: str, row: int, column: int) -> str:
        """The key of the formula above, if that says the same here."""
        held = self._above.get(column)
        if held is None:
            return ""
        key, text, away = held
        if text is None:
            text, away = down(key, column)
            self._above[column] = key, text, away
        return key if text and text % tuple([row + n for n in away]) == formula else ""

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
