"""The layout of a template: what its TOML file may say."""

from __future__ import annotations

import math
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xl_econ.core import quantities
from xl_econ.core.errors import LayoutError, UsageError, nearest
from xl_econ.core.quantity import Quantity
from xl_econ.tables import store
from xl_econ.tables.table import Table

CASES = ("Base", "Low", "High")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(_Part):
    """A row of the Inputs sheet: a value for each case, with its source."""

    key: str
    label: str
    quantity: str = Field(description="An alias of xl_econ.core.quantities")
    base: float | str
    low: float | str | None = None
    high: float | str | None = None
    table: str | None = Field(None, description="The value is a key of this table")
    source: str
    as_of: str
    grade: Literal["A", "B", "C", "D"]
    note: str = ""
    result_of: str = Field("", description="The result of another template that may fill it: template.key")

    @property
    def kind(self) -> Quantity:
        alias = getattr(quantities, self.quantity, None)
        if alias is None:
            raise LayoutError(
                f"input {self.key}: no quantity {self.quantity!r}{nearest(self.quantity, dir(quantities))}"
            )
        found: Quantity = alias.__metadata__[0]
        return found

    def value(self, case: str) -> float | str:
        """The template's own value for a case; a case that says nothing has the base value."""
        own = {"Low": self.low, "High": self.high}.get(case)
        return self.base if own is None else own


class Origin(_Part):
    """Where an input's values come from, as of when, and how far to trust them."""

    source: str
    as_of: str = ""
    grade: Literal["A", "B", "C", "D"] = "D"


class InputGroup(_Part):
    """Inputs under one title."""

    title: str
    inputs: list[Input]


class CalculationRow(_Part):
    """A quantity worked out from inputs and rows above it; its steps become rows of their own."""

    key: str
    label: str
    formula: str
    unit: str | None = Field(None, description="Only where the formula cannot tell: a look-up by a chosen column")
    format: str | None = None
    note: str = ""


class Block(_Part):
    """Rows of the calculation under one title."""

    title: str
    rows: list[CalculationRow]


class ResultRow(_Part):
    """A figure to take away."""

    key: str
    label: str
    note: str = ""
    label_from: str | None = Field(None, description="The text input that stands before its label: whose figure it is")
    note_from: str | None = Field(None, description="The text input that stands as its note: a comment")

    def named(self, whose: str | None) -> str:
        """The label as the sheet shows it."""
        return f"{whose}: {self.label}" if self.label_from else self.label


class LineChart(_Part):
    """A native chart of timeline rows over the months."""

    title: str
    series: list[str]
    axis: str
    format: str = "General"


class Chart(LineChart):
    """A native chart of results: by case, a waterfall, ranges over the cases, or what drives them."""

    type: Literal["column", "bar", "waterfall", "range", "drivers"]
    stacked: bool = False
    series: list[str] = []
    axis: str = ""


class TimelineRow(_Part):
    """A quantity month by month: a formula over inputs, live results, `month`, rows above, and looks back at rows."""

    key: str
    label: str
    formula: str
    unit: str
    opening: float | str | None = Field(None, description="Value before the first month, or a formula of it")
    total: Literal["sum", "end"] | None = Field(None, description="What the row's key means outside the timeline")
    format: str
    note: str = ""


class Timeline(_Part):
    """The sheet with a column for every month of the live case."""

    about: str
    months: int = Field(60, ge=1, le=120)
    rows: list[TimelineRow]
    charts: list[LineChart] = []


class Axis(_Part):
    """What a grid varies: an input or a row of the calculation, at given values or shifted by shares of its own."""

    key: str
    values: list[float] = []
    shifts: list[float] = []


class Grid(_Part):
    """A result over two of the figures that it depends on."""

    title: str
    result: str
    across: Axis
    down: Axis
    mark: Literal["lowest"] | None = Field(None, description="The cell of each column that is marked")
    note: str = ""


class Swing(_Part):
    """A bar of the tornado: how far a figure moves, as a share of itself or by an amount."""

    key: str
    low: float = -0.2
    high: float = 0.2
    by: Literal["share", "amount"] = "share"


class Tornado(_Part):
    """How far each of several figures moves one result, the largest first."""

    title: str
    result: str
    rows: list[Swing]
    axis: str
    format: str = "General"


class Sensitivity(_Part):
    """The sheet that varies the live case, every cell a formula of its own.

    Keys that are `held` are read from the live case, although what varies would move them: the hardware stays.
    """

    about: str
    held: list[str] = []
    grids: list[Grid] = []
    tornado: Tornado | None = None


class Goal(_Part):
    """What each of several inputs, moved alone, would have to be for a result to reach a target.

    The target is the live result moved by a share of it; the inputs are those with a closed form.
    """

    title: str
    result: str
    shift: float = -0.1
    rows: list[str]
    note: str = ""


class Bridge(_Part):
    """Why a result differs between the base case and another: figures move one after the other, in this order."""

    title: str
    result: str
    to: Literal["Low", "High"] = "High"
    rows: list[str]
    better: Literal["less", "more"] = Field("less", description="What of the result is good news: shown green")
    axis: str
    format: str = "General"


class Drivers(_Part):
    """The sheet that says what it would take to reach a target, and why two cases differ."""

    about: str
    goals: list[Goal] = []
    bridge: Bridge | None = None


class Check(_Part):
    """A figure that should lie between two bounds."""

    label: str
    formula: str
    low: float = -math.inf
    high: float = math.inf
    format: str = "General"
    severity: Literal["check", "info"] = "check"
    note: str = ""


class TableColumn(_Part):
    """A column that the sheet works out for every row of a table, where the row has what it needs."""

    key: str
    formula: str
    needs: list[str]
    flag_above: float | str | None = Field(None, description="A limit, or the key of the input that holds it")
    severity: Literal["check", "info"] = "check"
    format: str = "General"
    unit: str = ""
    note: str = ""


class TableSheet(_Part):
    """A sheet that holds a reference table; called and described as the table is, unless it says otherwise."""

    @model_validator(mode="before")
    @classmethod
    def _as_the_table(cls, said: Any) -> Any:
        t = store.TABLES.get(str(said.get("name"))) if isinstance(said, dict) else None
        return {"sheet": t.sheet, "about": t.about[0].upper() + t.about[1:]} | said if t else said

    name: str
    sheet: str
    about: str
    columns: list[TableColumn] = []


class Term(_Part):
    """A word of the glossary."""

    term: str
    meaning: str


class Change(_Part):
    """A line of the changelog."""

    version: str
    date: str
    what: str


class Layout(_Part):
    """A template as its TOML file states it."""

    name: str
    title: str
    about: str
    version: str
    as_of: str
    inputs: list[InputGroup]
    calculation: list[Block]
    step_labels: dict[str, str] = {}
    results: list[ResultRow]
    headline: list[str]
    charts: list[Chart]
    checks: list[Check]
    timeline: Timeline | None = None
    sensitivity: Sensitivity | None = None
    drivers: Drivers | None = None
    tables: list[TableSheet]
    glossary: list[Term]
    sources: list[str] = []
    guide: list[str] = Field([], description="How it is used, step by step; stands on the Cover")
    changes: list[Change]

    @cached_property
    def by_key(self) -> dict[str, Input]:
        return {i.key: i for group in self.inputs for i in group.inputs}


def folder() -> Path:
    """Where the templates lie: inside the installed package, or beside it in a source tree."""
    shipped = Path(__file__).parent / "shipped"
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "templates"


def names() -> list[str]:
    """Names of the shipped templates."""
    return sorted(p.stem for p in folder().glob("*.toml"))


def load(name: str) -> Layout:
    """The layout of a shipped template.

    Raises:
        UsageError: No such template; names the nearest.
        LayoutError: The file says something that cannot be built.
    """
    name = name.replace("-", "_")
    if name not in names():
        raise UsageError(f"no template {name!r}{nearest(name, names())}")
    return parse((folder() / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")


def parse(text: str, where: str) -> Layout:
    """A layout from the text of its TOML file.

    Raises:
        LayoutError: Says where and what.
    """
    try:
        return Layout.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as e:
        raise LayoutError(f"{where}: {e}") from None
    except ValidationError as e:
        first = e.errors()[0]
        raise LayoutError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from None


def table(sheet: TableSheet) -> Table:
    """The reference table of a table sheet.

    Raises:
        NotAvailable: No such table.
    """
    return store.get(sheet.name)
