"""What the sheets of a template are made of: names and places of sheets, the rows of a model, number formats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xlsxwriter.utility import xl_col_to_name

from xl_econ.core.expr import Const, Expr
from xl_econ.core.quantities import Share
from xl_econ.core.quantity import Quantity
from xl_econ.core.registry import Metric

from .layout import CASES, Input, Origin

LIVE = "Live"
_WIDEST = 40  # characters
FIRST_CASE = 4  # column E, on every sheet with cases; the live case stands before it
INPUTS, CALCULATION, RESULTS, CHECKS, FUNCTIONS = "Inputs", "Calculation", "Results", "Checks", "Functions"
TIMELINE, SENSITIVITY, DRIVERS, COMPARISON = "Timeline", "Sensitivity", "Drivers", "Comparison"
SELECTOR_ROW, HEADING_ROW = 5, 8  # of the Inputs sheet
# Names after `inputs.` that are not an input's.
RESERVED = {"case", "purpose", "owner", "source", "as_of", "grade", "key", *(c.casefold() for c in CASES)}
RESERVED |= {"first_case", "last_case"}
FIRST_ROW = 9  # below title, about, case selector and headings
FIRST_CALCULATION = 5

Values = dict[str, Any]


@dataclass(frozen=True)
class Columns:
    """The columns of the cases of a workbook, the same letters on every sheet that has them."""

    cases: tuple[str, ...] = CASES

    @cached_property
    def of(self) -> dict[str, str]:
        """The column of each case, the live one first."""
        return {LIVE: "D"} | {case: xl_col_to_name(FIRST_CASE + n) for n, case in enumerate(self.cases)}

    @property
    def first(self) -> str:
        return str(xl_col_to_name(FIRST_CASE))

    @property
    def last(self) -> str:
        return self.beyond(-1)

    def beyond(self, n: int = 0) -> str:
        """The n-th column after those of the cases."""
        return str(xl_col_to_name(FIRST_CASE + len(self.cases) + n))

    def width(self, least: int) -> int:
        """Wide enough for the names of the cases, within reason."""
        return max(least, *(min(len(case) + 2, _WIDEST) for case in self.cases))

    def row(self, number: int) -> str:
        """The cells of all cases in a row."""
        return f"{self.first}{number}:{self.last}{number}"

    def chosen(self, number: str, row: int, sheet: str = "") -> str:
        """A formula for the case whose number stands in a cell."""
        if self.cases == CASES:
            cells = ",".join(f"{sheet}{self.of[case]}{row}" for case in CASES)
            return f"CHOOSE({number},{cells})"
        return f"INDEX({sheet}{self.row(row)},{number})"  # CHOOSE takes 254 at most


def absolute(cells: str) -> str:
    """Cells as a formula names them that may stand anywhere."""
    return re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", cells)


@dataclass(frozen=True)
class InputRow:
    """An input with its row on the Inputs sheet and its value in every case."""

    input: Input
    row: int
    values: Values
    origin: Origin


@dataclass(frozen=True)
class ConstantRow:
    """A named constant of the definitions, with its row on the Inputs sheet."""

    constant: Const
    row: int


@dataclass(frozen=True)
class Line:
    """A row of the Calculation sheet: formula and value by case; `metric` if it is a call of one."""

    key: str
    label: str
    unit: str
    row: int
    formulas: dict[str, str]
    values: Values
    text: str
    format: str
    note: str
    metric: Metric | None = None
    call: str = ""
    root: Expr | None = None


@dataclass(frozen=True)
class CheckRow:
    """A row of the Checks sheet: a figure that should lie between two bounds, in every case that has one."""

    label: str
    formulas: dict[str, str]
    values: Values
    unit: str
    low: float
    high: float
    format: str
    severity: str
    note: str
    root: Expr | None = None

    @property
    def flag(self) -> int:
        return 1 if self.failing else 0

    @property
    def failing(self) -> list[str]:
        """The cases in which the figure is out of bounds."""
        return [case for case, value in self.values.items() if not self.low <= value <= self.high]


@dataclass(frozen=True)
class Drawn:
    """A cell as a sheet shows it: its place, what kind it is, its formula (none: a given value), number format."""

    at: str
    kind: str
    formula: str
    format: str


@dataclass(frozen=True)
class Heading:
    """The title of a block, with its row."""

    title: str
    row: int


# The number format of a unit: that of the first quantity declared in it. Bare ratios show as percentages.
def _formats() -> dict[str, str]:
    from xl_econ.core import quantities

    found: dict[str, str] = dict.fromkeys(("s", "s/request", "s*request/token", "USD/request", "USD/GPU/s"), "0.000000")
    found |= dict.fromkeys(("byte", "byte/request", "layer*token/request"), "#,##0")
    found |= dict.fromkeys(("s/token", "FLOP/request"), "0.000E+00")
    found |= {
        "ratio": Share.__metadata__[0].format,
        "h": "#,##0.00",
        "yr": "#,##0.00##",
        "FLOP/token": "0.000E+00",
        "node": "#,##0",
    }
    for alias in vars(quantities).values():
        for q in getattr(alias, "__metadata__", ()):
            if isinstance(q, Quantity) and not q.auto:
                found.setdefault(q.unit, q.format)
    return found | {"FLOP/GPU-h": "0.000E+00", "": "General"}


def unit_text(unit: str, form: str) -> str:
    """What stands in a Unit column: nothing where the format shows a share, else what a bare number is."""
    if unit not in ("", "ratio"):
        return unit
    return "" if "%" in form else "number" if form in ("0", "#,##0") else "ratio"


_FORMATS: dict[str, str] = {}


def number_format(unit: str, metric: Metric | None) -> str:
    """How a value of that unit is shown; a metric's result as its quantity says."""
    if metric is not None and metric.result.format != "General":
        return metric.result.format
    _FORMATS.update(_FORMATS or _formats())
    return _FORMATS.get(unit, "#,##0.0##")
