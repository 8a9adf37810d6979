"""The Python host: every metric as a checked function of floats, lists, numpy arrays and pandas Series."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from xl_econ.core.errors import DomainError, InputError, NotAvailable, XlEconError
from xl_econ.core.ops import why_unavailable
from xl_econ.core.quantity import check_bounds, clean, clean_array
from xl_econ.core.registry import Metric, Param
from xl_econ.metrics import get
from xl_econ.tables.store import TABLES

# 8,192 rows keep a metric's temporaries in the second-level cache and below the size at which the allocator
# returns memory to the system after each operation; bench/array_call.py shows the difference. Bounds are checked
# over four such chunks at once, which halves the cost of the calls.
CHUNK_ROWS = 8192
CHECKED_CHUNKS = 4
FEW = 16  # elements that are as fast one by one as together


class Function:
    """A metric as users call it: `train_cost(37, 14.8, 989.4, 0.389, 2)`.

    Arguments broadcast. A Series gives a Series with its index, an array an array, a list a list, numbers a float.

    Raises:
        InputError: Wrong type, missing or unknown argument (#VALUE!).
        DomainError: Out of bounds, NaN, infinite; or the result is not a finite number (#NUM!).
        CellError: An error value came in; it goes out.
        NotAvailable: Unknown key, or a figure that does not exist (#N/A).
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.__name__ = self.__qualname__ = metric.body.__name__
        self.__doc__ = metric.body.__doc__
        self.__module__ = "xl_econ"
        self.__wrapped__ = metric.body

    def __repr__(self) -> str:
        return f"<xl_econ.{self.__name__}: {self.metric.signature}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        m = self.metric
        given = with_rows(m, m.bind(args, kwargs))
        if any(_is_array(given[name]) for name in m.elements):
            return _call_arrays(m, given)
        return scalar(m, given)


def function(name: str) -> Function:
    """The function of that name, in any case.

    Raises:
        UsageError: No such function; names the nearest.
    """
    return Function(get(name))


def with_rows(m: Metric, given: dict[str, Any]) -> dict[str, Any]:
    """Arguments in which a row of a reference table in place of its key, and a table of one's own, are checked ones.

    Raises:
        TableError: A row that cannot be accepted.
    """
    if not m.referring:
        return given
    found = {
        name: row
        for name, p in m.referring.items()
        if p.quantity.table
        and not isinstance(given[name], str)
        and (row := TABLES[p.quantity.table].row(given[name])) is not None
    }
    own = {name: p for name, p in m.referring.items() if p.quantity.is_table and given[name] is not None}
    return given | found | {name: next(iter(m.tables)).given(given[name]) for name in own}


def _clean(p: Param, value: Any) -> Any:
    """As `clean`; a row of a table has been checked already."""
    return value if p.quantity.table and _is_row(p, value) else clean(p.name, p.quantity, value)


def _is_row(p: Param, value: Any) -> bool:
    return not isinstance(value, str) and isinstance(value, TABLES[p.quantity.table].model)


def _is_array(value: Any) -> bool:
    return isinstance(value, list | tuple) or (hasattr(value, "shape") and value.shape != ())


def scalar(m: Metric, given: dict[str, Any]) -> Any:
    """A metric of single values, bound and with their rows: checked, then computed.

    Raises:
        XlEconError: An input is not acceptable, or there is no finite result.
    """
    return _scalar(m, {name: _clean(p, given[name]) for name, p in m.params.items()})


def _scalar(m: Metric, inputs: dict[str, Any]) -> Any:
    """Run the body on clean scalars; a result that is not a finite number is an error."""
    try:
        result = m.body(**inputs)
    except XlEconError:
        raise
    except (ZeroDivisionError, OverflowError, ValueError) as e:
        cause = "it divides by zero" if isinstance(e, ZeroDivisionError) else "a number grows beyond all bounds"
        raise DomainError(f"{m.name} has no finite result for these inputs: {cause}") from None
    if isinstance(result, float) and not math.isfinite(result):
        if why := why_unavailable(m.tree, inputs):
            raise type(why)(f"{m.name}: {why}")
        raise DomainError(f"{m.name} has no finite result for these inputs")
    return result


def _call_arrays(m: Metric, given: dict[str, Any]) -> Any:
    import numpy as np

    inputs = {
        name: clean_array(name, p.quantity, given[name])
        if _is_array(given[name]) and name in m.elements
        else _clean(p, given[name])
        for name, p in m.params.items()
    }
    arrays = {name: v for name, v in inputs.items() if isinstance(v, np.ndarray)}
    try:
        shape = np.broadcast_shapes(*(a.shape for a in arrays.values()))
    except ValueError:
        sizes = ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
        raise InputError(f"{m.name}: the arguments do not broadcast: {sizes}") from None
    result = _in_chunks(m, inputs, arrays, shape)
    return _like(given, result)


def _in_chunks(m: Metric, inputs: dict[str, Any], arrays: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """The body over slices of the leading axis, so that temporaries stay in the cache and memory stays flat."""
    import numpy as np

    same = all(a.shape == shape for a in arrays.values())
    whole = {name: a.reshape(-1) if same else np.broadcast_to(a, shape) for name, a in arrays.items()}
    full = next(iter(whole.values())).shape
    step = max(1, CHUNK_ROWS // max(1, math.prod(full[1:])))
    scalars = {name: v for name, v in inputs.items() if name not in arrays}
    checks = [(name, m.params[name].quantity) for name in arrays if arrays[name].dtype.kind == "f"]
    out = np.empty(full) if m.unit != "any" else np.empty(full, dtype=object)
    # Where a float would raise, so does an array.
    with np.errstate(divide="raise", over="raise", invalid="raise", under="ignore"):
        for start in range(0, full[0], step):
            if start % (CHECKED_CHUNKS * step) == 0:
                for name, quantity in checks:
                    check_bounds(name, quantity, whole[name][start : start + CHECKED_CHUNKS * step], start)
            part = {name: a[start : start + step] for name, a in whole.items()}
            try:
                out[start : start + step] = m.body(**scalars, **part)
            except (FloatingPointError, ZeroDivisionError, OverflowError, ValueError) as e:
                if isinstance(e, XlEconError):
                    raise
                out[start : start + step] = _row_by_row(m, scalars, part, start)
            if out.dtype == float and np.isnan(out[start : start + step]).any():
                _row_by_row(m, scalars, part, start)
    if out.dtype == object and all(isinstance(v, float) for v in out.flat):
        out = out.astype(float)
    return out.reshape(shape)


def _row_by_row(m: Metric, scalars: dict[str, Any], part: dict[str, Any], start: int) -> Any:
    """A chunk once more by floats, to say in which row there is no finite result."""
    import numpy as np

    rows = np.broadcast_arrays(*part.values())
    result = np.empty(rows[0].shape)
    for at in np.ndindex(result.shape):
        try:
            result[at] = _scalar(m, scalars | {n: _item(c[at]) for n, c in zip(part, rows, strict=True)})
        except (DomainError, NotAvailable) as e:
            raise type(e)(f"row {at[0] + start + 1}: {e}") from None
    return result


def _item(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _like(given: dict[str, Any], result: Any) -> Any:
    """The result in the type that came in: a Series over an array over a list."""
    series = [v for v in given.values() if hasattr(v, "index") and hasattr(v, "to_numpy") and v.ndim == 1]
    if series:
        if not all(s.index.equals(series[0].index) for s in series) or len(series[0]) != len(result):
            raise InputError("the Series have different indexes or lengths; align them first")
        return type(series[0])(result, index=series[0].index)
    if any(hasattr(v, "shape") and v.shape != () for v in given.values()):
        return result
    return result.tolist()


def each(m: Metric, given: dict[str, Any], on_error: Callable[[XlEconError], Any]) -> Any:
    """A metric over arrays with an answer for every element: where one fails, what `on_error` makes of its error.

    All elements are tried at once; where one of them fails, each half, so that a column of 100,000 rows with a few
    errors in it costs little more than one without.

    Args:
        m: The metric.
        given: Arguments by name, as `Metric.bind` gives them.
        on_error: Called with the error of an element; its answer stands in the element's place.

    Returns:
        An array of the broadcast shape.
    """
    import numpy as np

    names = [n for n, p in m.elements.items() if not (p.quantity.table and _is_row(p, given[n]))]
    whole = {name: given[name] for name in m.params if name not in names}
    try:
        columns = np.broadcast_arrays(*(_column(given[n]) for n in names))
    except ValueError:
        raise InputError(f"{m.name}: the ranges do not go together: rows or columns differ") from None
    shape = columns[0].shape
    flat = [c.ravel() for c in columns]
    varied = {n: c for n, c in zip(names, flat, strict=True) if _is_array(given[n])}
    fixed = whole | {n: given[n] for n in names if n not in varied}
    out = np.empty(len(flat[0]), dtype=object)

    def answer(start: int, stop: int) -> None:
        if stop - start <= FEW:
            for at in range(start, stop):
                out[at] = one(m, fixed | {n: _item(c[at]) for n, c in varied.items()}, on_error)
            return
        try:
            out[start:stop] = _call_arrays(m, fixed | {n: c[start:stop] for n, c in varied.items()})
        except XlEconError:
            middle = (start + stop) // 2
            answer(start, middle)
            answer(middle, stop)

    answer(0, len(out))
    return out.reshape(shape)


def _column(value: Any) -> Any:
    """A range as an array: of floats if it is one, else of whatever its cells hold."""
    import numpy as np

    return value if hasattr(value, "dtype") else np.asarray(value, dtype=object)


def one(m: Metric, given: dict[str, Any], on_error: Callable[[XlEconError], Any]) -> Any:
    """A metric of scalars, with `on_error`'s answer in place of an error."""
    try:
        return _scalar(m, inputs_of(m, given))
    except XlEconError as e:
        return on_error(e)


def inputs_of(m: Metric, given: dict[str, Any]) -> dict[str, Any]:
    """Clean inputs by name, defaults filled in: what EXPLAIN and the command line show."""
    bound = with_rows(m, m.bind((), given))
    return {name: _clean(p, bound[name]) for name, p in m.params.items()}
