"""A reference table: its rows, and the look-ups that work for a name, an array of names and a traced expression."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import NotAvailable, TableError, nearest
from xl_econ.core.expr import Expr

from .read import check_rows, fold, index, load, spellings

if TYPE_CHECKING:
    from .rows import Row

DATA = Path(__file__).parent.parent / "data"

# Rows in place of the shipped ones, by table name: none, until a rate card is in use (xl_econ.workbook.rate_card).
source: Callable[[], Mapping[str, dict[Any, Row]]] = dict


def use_rows(rows: Callable[[], Mapping[str, dict[Any, Row]]]) -> None:
    """Take rows from here in place of the shipped ones, by table name."""
    global source  # noqa: PLW0603
    source = rows


@contextmanager
def replaced(rows: Mapping[str, dict[Any, Row]]) -> Iterator[None]:
    """Other rows for a while, by table name, in place of those in use."""
    before = source
    use_rows(lambda: {**before(), **rows})
    try:
        yield
    finally:
        use_rows(before)


class Table:
    """A reference table: rows by key, and what a sheet calls it.

    Args:
        name: Name in the command line and of its CSV file.
        sheet: Name of the Excel Table, used in structured references.
        model: Name of its row model in `xl_econ.tables.rows`.
        key: The column that is looked up.
        about: One line for people.
        rows: Rows of its own; without them it reads the current source, and then the shipped CSV file.
        offer: Columns that say what a price is of: rows equal in all of them should not contradict each other.
        prices: Columns of prices.
    """

    def __init__(
        self,
        name: str,
        sheet: str,
        model: str,
        key: str,
        about: str,
        rows: dict[Any, Row] | None = None,
        offer: tuple[str, ...] = (),
        prices: tuple[str, ...] = (),
    ) -> None:
        self.name, self.sheet, self.key, self.about = name, sheet, key, about
        self._model, self._own = model, rows
        self.offer, self.prices = offer, prices
        self._indexed: tuple[dict[Any, Row], dict[str, Any]] | None = None

    def __repr__(self) -> str:
        return f"Table({self.name})"

    @cached_property
    def model(self) -> type[Row]:
        """The row model; pydantic is imported here, on first use, and not at start-up."""
        from . import rows

        model: type[Row] = getattr(rows, self._model)
        return model

    @cached_property
    def columns(self) -> list[str]:
        """Column names: the model's own, key first, then note, source, as_of and grade."""
        tail = ("note", "source", "as_of", "grade")
        return [c for c in self.model.model_fields if c not in tail] + list(tail)

    @property
    def rows(self) -> dict[Any, Row]:
        """The rows by key, those of the rate card if one is in use and holds this table."""
        if self._own is not None:
            return self._own
        found = source().get(self.name)
        return self.shipped if found is None else found

    @cached_property
    def shipped(self) -> dict[Any, Row]:
        """The rows that ship with the product."""
        return load(self, DATA / f"{self.name}.csv")

    def given(self, table: Any) -> Table:
        """This table with the rows of `table` (header first), or as it is when there is none or it is traced.

        Args:
            table: Rows under a header (a range of a sheet) or a pandas DataFrame.

        Raises:
            TableError: A row cannot be accepted; says which, and why.
        """
        if table is None or isinstance(table, Expr):
            return self
        if isinstance(table, Table):
            return table
        listed = [list(table.columns), *table.values.tolist()] if hasattr(table, "values") else table
        if not isinstance(listed, list | tuple) or not listed or not all(isinstance(r, list | tuple) for r in listed):
            raise TableError(f"table {self.sheet}: expected its rows under its header, not {type(table).__name__}")
        header, *rows = listed
        names = [str(h) for h in header]
        blank_free = ({n: _cell(v) for n, v in zip(names, row, strict=False)} for row in rows)
        own = check_rows(self, f"table {self.sheet}", names, blank_free)
        return Table(self.name, self.sheet, self._model, self.key, self.about, own, self.offer, self.prices)

    @property
    def _index(self) -> dict[str, Any]:
        rows = self.rows
        if self._indexed is None or self._indexed[0] is not rows:
            self._indexed = rows, index(rows, lambda key: self.name)
        return self._indexed[1]

    def unit(self, column: str) -> str:
        """The unit of a column, "text" for a text column.

        Raises:
            NotAvailable: No such column.
        """
        from .rows import quantity

        found = quantity(self.model, self.column(column))
        return found.unit if found else "text"

    def column(self, name: str) -> str:
        """A column's name as it is spelt in the table.

        Raises:
            NotAvailable: No such column; names the nearest.
        """
        folded = {c.casefold(): c for c in self.columns}
        try:
            return folded[name.strip().casefold()]
        except KeyError:
            raise NotAvailable(f"{self.name} has no column {name!r}{nearest(name, self.columns)}") from None

    def is_optional(self, column: str) -> bool:
        """Whether a row may leave the column empty."""
        return not self.model.model_fields[column].is_required()

    def find(self, key: str) -> Any:
        """The key as it is spelt in the table.

        Raises:
            NotAvailable: No such key; names the nearest.
        """
        try:
            return self._index[fold(key)]
        except KeyError:
            known = [s for s, _ in spellings(self.rows)]
            raise NotAvailable(f"{self.name} has no {self.key} {key!r}{nearest(key, known)}") from None

    def lookup(self, key: Any, column: Any) -> Any:
        """The figure of `column` in the row of `key`; keys and columns may be arrays or traced.

        Raises:
            NotAvailable: Unknown key or column, or the row leaves the column empty.
        """
        if type(key) is Expr or type(column) is Expr:
            return Expr("lookup", self, key, column)
        if is_array(key) or is_array(column):
            return self._each(self.lookup, key, column)
        name = self.column(column)
        row = self._row(key)
        value = getattr(row, name)
        if value is None:
            raise NotAvailable(f"{self.name}: {self._name(row)!r} has no {name}{self._instead(row, name)}")
        return value

    def figures(self, key: Any, *columns: str) -> SimpleNamespace:
        """Several figures of one row by column; each is a named step of a traced metric.

        Raises:
            NotAvailable: As `lookup`.
        """
        if type(key) is Expr:
            return SimpleNamespace(**{c: Expr("lookup", self, key, c, name=c) for c in columns})
        if is_array(key):
            import pandas as pd

            which, keys = pd.factorize(key.ravel())
            return SimpleNamespace(**{c: self.lookup(keys, c)[which].reshape(key.shape) for c in columns})
        row = self._row(key)
        found = {c: getattr(row, c) for c in columns}
        if None in found.values():
            self.lookup(key, next(c for c, v in found.items() if v is None))
        return SimpleNamespace(**found)

    def lookup_or(self, key: Any, column: str, default: Any) -> Any:
        """As `lookup`, with `default` where the row leaves the column empty.

        Raises:
            NotAvailable: Unknown key or column.
        """
        if type(key) is Expr:
            return Expr("lookup_or", self, key, column, default)
        if is_array(key):
            import numpy as np

            found = self._each(lambda k, c: math.nan if (v := getattr(self._row(k), c)) is None else v, key, column)
            return np.where(np.isnan(found), default, found)
        value = getattr(self._row(key), column)
        return default if value is None else value

    def _each(self, one: Callable[[Any, str], Any], key: Any, column: Any) -> Any:
        """`one` of every pair of key and column, computed once for each pair that occurs."""
        import numpy as np
        import pandas as pd

        keys, names = np.broadcast_arrays(np.asarray(key, object), np.asarray(column, object))
        columns, texts = pd.factorize(names.ravel())
        rows, picked = pd.factorize(keys.ravel())
        pairs, which = np.unique(rows * len(texts) + columns, return_inverse=True)
        found = [one(picked[p // len(texts)], texts[p % len(texts)]) for p in pairs]
        numeric = all(isinstance(v, float) for v in found)
        values = np.array(found, dtype=float if numeric else object)
        return values[which].reshape(keys.shape)

    def _row(self, key: Any) -> Any:
        """The row of a key, or the row that came in the key's place."""
        return self.rows[self.find(key)] if isinstance(key, str) else key

    def _name(self, row: Any) -> Any:
        return getattr(row, self.key)

    def row(self, value: Any) -> Row | None:
        """A row given in place of a key: a mapping, a Series, a row of the sheet's table; None for anything else.

        Args:
            value: Cells by column name, or in the order of the table's columns.

        Raises:
            TableError: A row that cannot be accepted.
        """
        if isinstance(value, self.model):
            return value
        cells = self._cells(value)
        if cells is None:
            return None
        rows = check_rows(self, f"row of {self.sheet}", list(cells), [cells], lambda *_: f"row of {self.sheet}")
        return next(iter(rows.values()))

    def _cells(self, value: Any) -> dict[str, Any] | None:
        if isinstance(value, Mapping) or (hasattr(value, "to_dict") and self.key in value.index):
            return {str(k): _cell(v) for k, v in value.items()}
        listed = value.tolist() if hasattr(value, "tolist") else value
        if isinstance(listed, list | tuple) and len(listed) == 1 and isinstance(listed[0], list | tuple):
            listed = listed[0]
        if not isinstance(listed, list | tuple) or len(listed) < len(self.columns):
            return None
        # A row of cells holds numbers; keys do not, and a column of them is a list of lists.
        if any(isinstance(v, list | tuple) for v in listed) or not any(isinstance(v, float | int) for v in listed):
            return None
        return {c: _cell(v) for c, v in zip(self.columns, listed, strict=False)}

    def _instead(self, row: Any, column: str) -> str:
        """The tail of an error: the columns of the same unit that the row does have."""
        unit = self.unit(column)
        others = [c for c in self.columns if unit != "text" and self.unit(c) == unit and getattr(row, c) is not None]
        return f"; it has {', '.join(others)}" if others else ""

    def values(self, column: str) -> list[Any]:
        return [getattr(row, column) for row in self.rows.values()]

    def segment(self, value: Any, column: str) -> Any:
        """Number, from 1, of the row that begins the segment of `column` (sorted upwards) in which a value lies.

        Beyond the last row it is still the last segment, so that row + 1 always exists.

        Raises:
            NotAvailable: The value is below the first row.
            TableError: The column has no segments: fewer than two rows, or not sorted upwards.
        """
        if type(value) is Expr:
            return Expr("segment", self, value, column)
        knots = self.values(column)
        if len(knots) < 2 or any(a >= b for a, b in pairwise(knots)):
            raise TableError(f"{self.name}: column {column}: needs two rows or more, sorted upwards")
        if isinstance(value, float | int):
            if value < knots[0]:
                raise NotAvailable(f"{self.name}: {value:g} is below the first {column}, {knots[0]:g}")
            return float(min(bisect_right(knots, value), len(knots) - 1))
        import numpy as np

        self.segment(float(np.min(value)), column)
        return np.minimum(np.searchsorted(np.array(knots), value, side="right"), len(knots) - 1).astype(float)

    def at(self, row: Any, column: str) -> Any:
        """The figure of `column` in the row of that number, from 1."""
        if type(row) is Expr:
            return Expr("at", self, row, column)
        if isinstance(row, float | int):
            return self.values(column)[int(row) - 1]
        import numpy as np

        return np.array(self.values(column))[row.astype(int) - 1]


def is_array(value: Any) -> bool:
    """Whether a key or a column is many: an array or a list."""
    return hasattr(value, "dtype") or isinstance(value, list)


def _cell(value: Any) -> Any:
    """A cell of a given table; a NaN or a NaT of pandas is a blank: what is not equal to itself."""
    return None if isinstance(value, float | datetime) and value != value else value  # noqa: PLR0124
