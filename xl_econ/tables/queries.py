"""Questions to a reference table: which rows hold a text, which prices contradict each other, which figures are old."""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import InputError, UsageError
from xl_econ.core.quantity import number_from_text

from .store import TABLES
from .table import Table

if TYPE_CHECKING:
    from .rows import Row

SPREAD = 0.2  # how far apart prices of one offer may lie, as highest over lowest less one


@dataclass(frozen=True)
class Quote:
    """One of the prices of an offer, with what helps to judge it."""

    key: Any
    price: float
    as_of: str
    grade: str
    seed: bool
    source: str


@dataclass(frozen=True)
class Conflict:
    """Prices of one offer that lie too far apart, the lowest first.

    Attributes:
        offer: What the prices are of, joined by a bar: provider, accelerator, term.
        column: The column of the prices.
        unit: Their unit.
        spread: Highest over lowest, less one.
        quotes: The prices.
    """

    offer: str
    column: str
    unit: str
    spread: float
    quotes: tuple[Quote, ...]


@dataclass(frozen=True)
class Old:
    """A row whose figures are older than was asked for."""

    key: Any
    as_of: str
    days: int
    grade: str
    source: str


def where(table: Table, conditions: Iterable[str]) -> list[Row]:
    """The rows that meet every condition.

    Args:
        table: The table.
        conditions: "column=text": a column of text holds the text, in any case; one of numbers equals the number; with
            nothing after the equals sign, the row leaves the column empty.

    Raises:
        UsageError: A condition that is none.
        NotAvailable: No such column; names the nearest.
        InputError: A text for a column of numbers.
    """
    rows = list(table.rows.values())
    for condition in conditions:
        name, equals, text = condition.partition("=")
        if not equals:
            raise UsageError(f"{condition!r}: expected column=text")
        column, wanted = table.column(name), _wanted(table, name, text.strip())
        rows = [row for row in rows if _meets(getattr(row, column), wanted)]
    return rows


def _wanted(table: Table, column: str, text: str) -> str | float | None:
    if not text or table.unit(column) == "text":
        return text.casefold() or None
    wanted = number_from_text(text)
    if not isinstance(wanted, float) or not math.isfinite(wanted):
        raise InputError(f"{column}={text}: the column holds numbers; expected one, or nothing for empty cells")
    return wanted


def _meets(value: Any, wanted: str | float | None) -> bool:
    if value is None or wanted is None:
        return value is wanted
    return wanted in str(value).casefold() if isinstance(wanted, str) else value == wanted


def conflicts(table: Table, threshold: float = SPREAD) -> list[Conflict]:
    """Offers whose prices lie further apart than `threshold`, the widest first.

    What the seed says counts and is marked; the two ends of a range that only the seed gives are no contradiction.

    Args:
        table: A table that says which columns make an offer, and which hold prices.
        threshold: Highest over lowest price, less one.

    Raises:
        UsageError: The table has no prices of one offer to compare.
    """
    if not table.offer:
        able = ", ".join(t.name for t in TABLES.values() if t.offer)
        raise UsageError(f"{table.name} has no offers with several prices; there are {able}")
    found = [
        c for offer, rows in _offers(table) for column in table.prices if (c := _compare(table, offer, rows, column))
    ]
    return sorted((c for c in found if c.spread > threshold), key=lambda c: -c.spread)


def _offers(table: Table) -> Iterator[tuple[str, list[Row]]]:
    def offer(row: Row) -> str:
        return "|".join(str(getattr(row, c)) for c in table.offer)

    for name, rows in groupby(sorted(table.rows.values(), key=offer), key=offer):
        yield name, list(rows)


def _compare(table: Table, offer: str, rows: list[Row], column: str) -> Conflict | None:
    """The spread of a column within an offer; None where there is nothing to compare."""
    # What is free, or not known, is not a price.
    quotes = sorted((_quote(table, row, column) for row in rows if getattr(row, column)), key=lambda x: x.price)
    if len(quotes) < 2 or all(x.seed for x in quotes):
        return None
    spread = round(quotes[-1].price / quotes[0].price - 1, 9)  # 5.4 over 4.5 is not above 20%
    return Conflict(offer, column, table.unit(column), spread, tuple(quotes))


def _quote(table: Table, row: Row, column: str) -> Quote:
    seed = str(getattr(row, "case", "")).startswith("seed")
    return Quote(getattr(row, table.key), getattr(row, column), row.as_of, row.grade, seed, row.source)


def older_than(table: Table, days: int, today: date | None = None) -> list[Old]:
    """Rows whose figures are of a day more than `days` ago, the oldest first.

    Args:
        table: The table.
        days: Age in days that is still allowed.
        today: The day to count from; today if None.
    """
    now = today or date.today()
    ages = [(row, (now - latest_day(row.as_of, now)).days) for row in table.rows.values()]
    old = [Old(getattr(row, table.key), row.as_of, age, row.grade, row.source) for row, age in ages if age > days]
    return sorted(old, key=lambda o: -o.days)


def latest_day(as_of: str, today: date) -> date:
    """The most recent day that a date can mean: the end of its month or year, but never later than today."""
    year, *rest = map(int, as_of.split("-"))
    month = rest[0] if rest else 12
    day = rest[1] if len(rest) > 1 else monthrange(year, month)[1]
    return min(date(year, month, day), today)
