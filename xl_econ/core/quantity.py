"""What kind of number an input is, and the one check that every value passes on its way in, whatever the host."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Real
from typing import Any

from .errors import CELL_ERRORS, CellError, DomainError, InputError, NotAvailable, nearest
from .expr import Const
from .units import parse

AUTO = Const("AUTO", 0.0)  # an optional input left to the model; 0, a blank and the text "auto" mean it


@dataclass(frozen=True)
class Quantity:
    """What kind of number (or text) an input is.

    Attributes:
        unit: Unit label, "text" for a key, "any" for a value of any kind.
        low: Smallest allowed value; with `positive` it is excluded.
        high: Largest allowed value.
        positive: Zero is refused although `low` is 0, because the value divides.
        typical: Range of the values seen in practice; decides which slip of magnitude was probably meant.
        slips: Factors by which the value is often typed too large: (1e9,) for a plain count where billions are meant.
        words: How the unit is said in an error: "billions".
        format: Excel number format.
        example: A value for documents, templates and tests.
        whole: Only whole numbers: periods that are written out one by one.
        auto: The text "auto" (or 0) leaves the value to the model.
        choices: The allowed texts, if they are few.
        many: A list of such numbers, taken whole.
        table: Name of the reference table that the text is a key of; a row of that table may come instead.
        title: What a column or an input box is called.
    """

    unit: str = "1"
    low: float = -math.inf
    high: float = math.inf
    positive: bool = False
    typical: tuple[float, float] = (-math.inf, math.inf)
    slips: tuple[float, ...] = ()
    words: str = ""
    format: str = "General"
    example: Any = 1.0
    auto: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()
    many: bool = False
    table: str = ""
    title: str = ""

    @property
    def is_text(self) -> bool:
        return self.unit == "text"

    @property
    def is_table(self) -> bool:
        """Whether the input is a whole table, given as rows under a header."""
        return self.unit == "table"

    @property
    def range(self) -> str:
        """The allowed values in words: `above 0 and at most 1`, `a key of the table accelerators`."""
        if self.is_text:
            return ", ".join(self.choices) or (f"a key of the table {self.table}" if self.table else "a text")
        edge = "above" if self.positive else "at least"
        low = "" if self.low == -math.inf else f"{edge} {_plain(self.low)}"
        high = "" if self.high == math.inf else f"at most {_plain(self.high)}"
        bounds = " and ".join(filter(None, (low, high)))
        return f"a whole number, {bounds}" if self.whole else bounds or "any number"

    def fits(self, x: float) -> bool:
        """Whether a float lies inside the bounds; NaN never does."""
        inside = (self.low < x if self.positive else self.low <= x) and x <= self.high and x != math.inf
        return inside and (not self.whole or x == int(x))

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Let a table's row model check its columns by the same alias."""
        from pydantic_core import core_schema

        if self.is_text:
            return core_schema.str_schema(min_length=1, strip_whitespace=True)
        # In text form a percent sign is understood, as everywhere else.
        return core_schema.no_info_plain_validator_function(lambda v: clean("", self, _read(v)))


def _plain(x: float) -> str:
    """A bound as people write it: 1,000,000 and 1e+15."""
    return f"{x:,.10g}" if abs(x) < 1e10 else f"{x:g}"


def _read(value: Any) -> Any:
    return number_from_text(value) if isinstance(value, str) else value


def number_from_text(text: str) -> Any:
    """A number as a person types it: 41%, 1e9, 30_000; other text comes back as it is."""
    body = text.strip()
    try:
        return float(body[:-1]) / 100 if body.endswith("%") else float(body)
    except ValueError:
        return text


def is_blank(value: Any, many: bool = False) -> bool:
    """Whether a cell or an argument says nothing; where a list is taken whole, whether all of it does."""
    if many and isinstance(value, list | tuple):
        return all(map(is_blank, _flat(value)))
    return value is None or (isinstance(value, str) and not value.strip())


def clean(name: str, q: Quantity, value: Any) -> Any:
    """`value` as the float or text that a metric body takes.

    Args:
        name: The input's name, for the error.
        q: Its quantity.
        value: What came in: a number, a text, an error value of a cell.

    Raises:
        InputError: Wrong type or blank (#VALUE!).
        DomainError: Out of bounds, NaN or infinite (#NUM!).
        CellError: An error value came in.
    """
    if (type(value) is float and not q.is_text and q.fits(value) and not q.many) or q.is_table:
        return value
    if q.many:
        return _clean_list(name, q, value)
    label = f"{name} = " if name else ""
    if is_blank(value):
        raise InputError(f"{name or 'value'} is missing; it takes {_expected(q)}")
    if isinstance(value, str):
        return _clean_text(label, q, value.strip())
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise InputError(f"{label}{_shorten(value)}: expected {_expected(q)}, not {type(value).__name__}")
    if q.is_text:
        raise InputError(f"{label}{value}: expected {_expected(q)}")
    try:
        x = float(value)
    except OverflowError:
        x = math.inf
    if q.fits(x):
        return x
    raise DomainError(f"{label}{x:g}: {_what_was_meant(q, x)}")


def _clean_list(name: str, q: Quantity, value: Any) -> tuple[float, ...]:
    """A list, range, array, Series or `3.5, 2.5, 1.6` as a tuple of clean numbers."""
    if isinstance(value, str):
        value = [number_from_text(part) for part in value.replace(";", ",").split(",")]
    single = replace(q, many=False)
    found = [clean(f"{name}[{n}]", single, v) for n, v in enumerate(_flat(value), 1)]
    if not found:
        raise InputError(f"{name} is empty; it takes numbers")
    return tuple(found)


def _flat(value: Any) -> Iterator[Any]:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list | tuple):
        for v in value:
            yield from _flat(v)
    else:
        yield value


def _clean_text(label: str, q: Quantity, text: str) -> Any:
    if text.upper() in CELL_ERRORS:
        raise CellError(f"{label}{text}: an error value came in", text.upper())
    if q.is_text:
        for choice in q.choices:
            if choice.casefold() == text.casefold():
                return choice
        if q.choices:
            raise NotAvailable(f"{label}{text!r}: allowed are {', '.join(q.choices)}{nearest(text, q.choices)}")
        return text
    if q.unit == "any":
        return text
    if q.auto and text.casefold() == "auto":
        return 0.0
    raise InputError(f"{label}{_shorten(text)}: expected {_expected(q)}, not text")


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _expected(q: Quantity) -> str:
    if q.is_text:
        return f"one of {', '.join(q.choices)}" if q.choices else "a text"
    unit = f" in {q.words or q.unit}" if q.unit != "any" and parse(q.unit) else ""
    return f"a number{unit}" + (f" ({q.range})" if q.range != "any number" else "")


def _what_was_meant(q: Quantity, x: float) -> str:
    """The remedy for a number out of bounds: the slip of magnitude that would explain it, or the bounds."""
    if not math.isfinite(x):
        return f"not a finite number; expected {_expected(q)}"
    for factor in q.slips:
        meant = x / factor
        # 1.1 or 1 for a share is beyond the bound; 41 is a percentage without its sign.
        if q.fits(meant) and q.typical[0] <= meant <= q.typical[1] and (factor != 100 or x >= 2):
            return f"write {meant:g} or {x:g}%" if factor == 100 else f"in {q.words}, write {meant:g}"
    return f"must be {q.range}" + (f" (in {q.words})" if q.words else "")


def clean_array(name: str, q: Quantity, values: Any) -> Any:
    """A numpy array (or list) as the float or text array a body takes; every element is checked as `clean` would.

    Raises:
        InputError, DomainError, CellError: As `clean`, naming the row of the first bad element.
    """
    import numpy as np

    # As numpy would guess it, a list of 0.4 and True is all numbers, and one of 0.4 and "n/a" is all texts.
    array = values if hasattr(values, "dtype") else np.asarray(values, dtype=object)
    array = np.asarray(array)
    if array.dtype.kind == "O" and set(map(type, array.flat)) <= {float}:
        array = array.astype(float)
    if array.dtype.kind in "fiu" and not q.is_text:
        return array.astype(float, copy=False)  # bounds are checked chunk by chunk, while the data is in the cache
    if q.is_text and array.dtype.kind == "O":
        return _clean_texts(name, q, array)
    out = np.empty(array.shape, dtype=object if q.is_text or q.unit == "any" else float)
    for at, value in np.ndenumerate(array.astype(object)):
        try:
            out[at] = clean(name, q, value)
        except (InputError, NotAvailable) as e:
            raise _located(e, at) from None
    return out


def _clean_texts(name: str, q: Quantity, array: Any) -> Any:
    """Texts by the element; each different one is checked once."""
    import numpy as np

    known: dict[str, Any] = {}
    values = array.ravel().tolist()
    for at, value in enumerate(values):
        if not isinstance(value, str) or value not in known:
            try:
                known[str(value)] = clean(name, q, value)
            except (InputError, NotAvailable) as e:
                raise _located(e, tuple(int(n) for n in np.unravel_index(at, array.shape))) from None
        values[at] = known[str(value)]
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out.reshape(array.shape)


def check_bounds(name: str, q: Quantity, chunk: Any, start: int = 0) -> None:
    """Raise for the first number of a float chunk outside the bounds of `q`; NaN fails, because it compares false."""
    import numpy as np

    if q.whole and chunk.size and not (chunk == np.trunc(chunk)).all():
        _first_bad(name, q, chunk, start)
    if chunk.size and not (q.fits(np.minimum.reduce(chunk, axis=None)) and q.fits(np.maximum.reduce(chunk, axis=None))):
        _first_bad(name, q, chunk, start)


def _first_bad(name: str, q: Quantity, chunk: Any, start: int) -> None:
    import numpy as np

    for at, value in np.ndenumerate(chunk):
        if not q.fits(value):
            try:
                clean(name, q, float(value))
            except InputError as e:
                raise _located(e, (at[0] + start, *at[1:])) from None


def _located(e: Exception, at: tuple[int, ...]) -> Exception:
    where = f"row {at[0] + 1}" + (f", column {at[1] + 1}" if len(at) > 1 else "")
    text = f"{where}: {e}"
    return CellError(text, e.cell) if isinstance(e, CellError) else type(e)(text)


def text(title: str = "", example: str = "", choices: tuple[str, ...] = (), table: str = "") -> Quantity:
    """A quantity that is a text: a key (of a table), or one of a few choices."""
    return Quantity(unit="text", title=title, example=example, choices=choices, table=table)
