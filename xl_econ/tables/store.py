"""Loading of reference tables and the look-ups that work for a name, an array of names and a traced expression."""

from __future__ import annotations

import csv
import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import NotAvailable, TableError, nearest
from xl_econ.core.expr import Expr

if TYPE_CHECKING:
    from .rows import Row

DATA = Path(__file__).parent.parent / "data"


class Table:
    """A reference table: rows by key, and what a sheet calls it.

    Args:
        name: Name in the command line and of its CSV file.
        sheet: Name of the Excel Table, used in structured references.
        model: Name of its row model in `xl_econ.tables.rows`.
        key: The column that is looked up.
        about: One line for people.
    """

    def __init__(self, name: str, sheet: str, model: str, key: str, about: str) -> None:
        self.name, self.sheet, self.key, self.about = name, sheet, key, about
        self._model = model

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

    @cached_property
    def rows(self) -> dict[Any, Row]:
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
        header, *rows = [list(table.columns), *table.values.tolist()] if hasattr(table, "columns") else table
        names = [str(h) for h in header]
        own = Table(self.name, self.sheet, self._model, self.key, self.about)
        blank_free = ({n: _cell(v) for n, v in zip(names, row, strict=False)} for row in rows)
        own.rows = check_rows(self, f"table {self.sheet}", names, blank_free)
        return own

    @cached_property
    def _aliases(self) -> dict[str, Any]:
        """Every spelling of every key, folded: "h100 sxm" and "H100-SXM" are one."""
        found: dict[str, Any] = {}
        for spelling, key in self._spellings:
            if found.setdefault(fold(spelling), key) != key:
                raise TableError(f"{self.name}: {spelling!r} names both {found[fold(spelling)]!r} and {key!r}")
        return found

    @cached_property
    def _spellings(self) -> list[tuple[str, Any]]:
        """Every key and alias as written, with the key that it names."""
        aliases = {key: (getattr(row, "aliases", None) or "").split(";") for key, row in self.rows.items()}
        return [(s.strip(), key) for key, others in aliases.items() for s in (str(key), *others) if s.strip()]

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
            return self._aliases[fold(key)]
        except KeyError:
            raise NotAvailable(
                f"{self.name} has no {self.key} {key!r}{nearest(key, [s for s, _ in self._spellings])}"
            ) from None

    def lookup(self, key: Any, column: Any) -> Any:
        """The figure of `column` in the row of `key`; keys and columns may be arrays or traced.

        Raises:
            NotAvailable: Unknown key or column, or the row leaves the column empty.
        """
        if type(key) is Expr or type(column) is Expr:
            return Expr("lookup", self, key, column)
        if isinstance(key, str) and isinstance(column, str):
            name = self.column(column)
            value = getattr(self.rows[self.find(key)], name)
            if value is None:
                raise NotAvailable(f"{self.name}: {self.find(key)!r} has no {name}")
            return value
        import numpy as np

        keys, names = np.broadcast_arrays(np.asarray(key, object), np.asarray(column, object))
        found = [self.lookup(str(k), str(c)) for k, c in zip(keys.ravel(), names.ravel(), strict=True)]
        numeric = all(isinstance(v, float) for v in found)
        return np.array(found, dtype=float if numeric else object).reshape(keys.shape)

    def values(self, column: str) -> list[Any]:
        return [getattr(row, column) for row in self.rows.values()]

    def segment(self, value: Any, column: str) -> Any:
        """Number, from 1, of the row that begins the segment of `column` (sorted upwards) in which a value lies.

        Beyond the last row it is still the last segment, so that row + 1 always exists.

        Raises:
            NotAvailable: The value is below the first row.
        """
        if type(value) is Expr:
            return Expr("segment", self, value, column)
        knots = self.values(column)
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


def _cell(value: Any) -> Any:
    """A cell of a given table; a NaN of pandas is a blank."""
    return None if isinstance(value, float) and math.isnan(value) else value


def fold(text: str) -> str:
    """A key without case, blanks and punctuation."""
    return re.sub(r"[^a-z0-9.]+", "", text.casefold())


def load(table: Table, path: Path) -> dict[Any, Row]:
    """The rows of a CSV file by key.

    Raises:
        TableError: Unreadable file, missing or unknown column, bad or duplicate row; says file, row, column and reason.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as f:
            reader = csv.DictReader(f)
            return check_rows(table, path.name, reader.fieldnames or (), reader)
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise TableError(f"{path.name}: cannot be read: {e}") from None


def check_rows(table: Table, where: str, header: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> dict[Any, Row]:
    """Validated rows by key, from any source of mappings.

    Raises:
        TableError: As `load`.
    """
    from pydantic import ValidationError

    names = list(header)
    for name in names:
        if name not in table.columns:
            raise TableError(f"{where}: unknown column {name!r}{nearest(name or '', table.columns)}")
    for name in table.columns:
        if name not in names and not table.is_optional(name):
            raise TableError(f"{where}: column {name!r} is missing")
    found: dict[Any, Row] = {}
    for number, raw in enumerate(rows, 2):
        if None in raw:
            raise TableError(f"{where}, row {number}: more cells than columns")
        try:
            row = table.model(**{k: v for k, v in raw.items() if v not in (None, "")})
        except ValidationError as e:
            raise TableError(f"{where}, row {number}, {_reason(e)}") from None
        key = getattr(row, table.key)
        if key in found:
            raise TableError(f"{where}, row {number}, column {table.key}: {key!r} stands there twice")
        found[key] = row
    if not found:
        raise TableError(f"{where}: has no rows")
    return found


def _reason(e: Any) -> str:
    first = e.errors()[0]
    column = ".".join(map(str, first["loc"]))
    cause = first.get("ctx", {}).get("error")
    if first["type"] == "missing":
        return f"column {column}: is empty"
    if cause is not None:
        return f"column {column}: {cause}"
    return f"column {column}: {first['input']!r}: {first['msg'].lower()}"


TABLES = {
    t.name: t
    for t in (
        Table("accelerators", "Accelerators", "Accelerator", "accelerator", "accelerators: dense peaks, memory, power"),
        Table("training_runs", "TrainingRuns", "TrainingRun", "model", "published training runs, as disclosed"),
        Table("mfu_typical", "MfuTypical", "MfuTypical", "gpus", "typical MFU by cluster size (the seed's table)"),
        Table("cost_components", "CostComponents", "CostComponent", "component", "shares of TCO (the seed's table)"),
        Table(
            "seed_training_benchmarks",
            "SeedBenchmarks",
            "SeedTrainingBenchmark",
            "model",
            "the seed's training benchmarks, as written and as parsed",
        ),
    )
}


def get(name: str) -> Table:
    """The table of that name.

    Raises:
        NotAvailable: No such table; names the nearest.
    """
    try:
        return TABLES[name.strip().casefold()]
    except KeyError:
        raise NotAvailable(f"no table {name!r}{nearest(name, TABLES)}") from None
