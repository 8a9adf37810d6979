"""The commands about what drives a result: `tornado` and `bridge`."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import InputError, UsageError

from .files import free_for_picture
from .printing import print_grid, print_json, remark, rounded

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from xl_econ.scenarios.bridge import Bridge
    from xl_econ.scenarios.tornado import Bar, Tornado

_WIDTH = 36  # characters of the widest bar
_SEEN = 1e-9  # relative: less is rounding that nobody needs to see; --json has it


def words(arguments: Sequence[str]) -> dict[str, str]:
    """Inputs given as k=v.

    Raises:
        UsageError: A word without `=`.
        InputError: A name twice.
    """
    found: dict[str, str] = {}
    for word in arguments:
        key, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r}: expected k=v")
        if key in found:
            raise InputError(f"{key} is given twice")
        found[key] = text
    return found


def finite(value: Any) -> Any:
    """A number as JSON can hold it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


# -- tornado ----------------------------------------------------------------------------------------------------
def tornado(args: argparse.Namespace) -> int:
    """How far each input moves a result."""
    from xl_econ.scenarios import cases
    from xl_econ.scenarios.tornado import of_study

    given = words(args.arguments)
    if args.png:
        free_for_picture(args.png, args.force)
    if args.cases:
        study = cases.read(args.cases, args.name, varies=False, extra=given)
    else:
        study = cases.study({"inputs": given}, args.name, where="", varies=False)
    found = of_study(study, args.swing, args.sobol, args.result, args.seed, args.draws)
    if args.png:
        from xl_econ.scenarios.pictures import tornado_png

        tornado_png(found, args.png)
    if args.json:
        return print_json(_tornado_json(found))
    _print_tornado(found)
    return 0


def _tornado_json(found: Tornado) -> dict[str, Any]:
    def bar(b: Bar) -> dict[str, Any]:
        indices = {
            what: {"value": getattr(b.index, what), "low": ends[0], "high": ends[1]}
            for what in ("first", "total")
            if b.index and (ends := getattr(b.index, f"{what}_between"))
        }
        return {
            "input": b.input.key,
            "unit": b.input.unit,
            "low": b.low,
            "base": b.base,
            "high": b.high,
            "result_at_low": finite(b.at_low),
            "result_at_high": finite(b.at_high),
            "span": finite(b.span),
            **({"sobol": indices} if indices else {}),
        }

    return {
        "name": found.name,
        "result": found.output.key,
        "unit": found.output.unit,
        "base": finite(found.base),
        "bars": [bar(b) for b in found.bars],
        "remarks": list(found.remarks),
    }


def _print_tornado(found: Tornado) -> None:
    print(f"{found.name}: {found.output.key}, base {_figure(found.base)} {found.output.unit}\n")
    ends = [v for b in found.bars for v in (b.at_low, b.at_high) if math.isfinite(v)]
    scale = min(ends, default=0.0), max(ends, default=1.0)
    sobol = any(b.index for b in found.bars)
    head = ["input", "low", "high", "result at low", "at high", *(["first", "total"] if sobol else []), ""]
    rows: list[list[Any]] = [head]
    moving = [b for b in found.bars if b.span or (b.index and b.index.total > 0)]
    for b in moving:
        indices = [_interval(b, what) for what in ("first", "total")] if sobol else []
        results = [_figure(b.at_low), _figure(b.at_high)]
        rows.append([b.input.key, _figure(b.low), _figure(b.high), *results, *indices, _bar(b, found.base, scale)])
    print_grid(rows, 60)
    if still := [b.input.key for b in found.bars if b not in moving]:
        print(f"\nnothing moves with {', '.join(still)}")
    if sobol:
        print("\nfirst, total: shares of the variance, alone and with others (95% intervals)")
    for text in found.remarks:
        remark(text)


def _figure(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{rounded(value):,.10g}" if math.isfinite(value) else "none"


def _interval(b: Bar, what: str) -> str:
    if b.index is None:
        return ""
    low, high = getattr(b.index, f"{what}_between")
    return f"{getattr(b.index, what):.3f} ({low:.3f} to {high:.3f})"


def _bar(b: Bar, base: float, scale: tuple[float, float]) -> str:
    """A bar of text from the lower to the higher result, the base marked."""
    if not math.isfinite(b.span) or not math.isfinite(base) or scale[0] == scale[1]:
        return ""
    full, mark = ("█", "│") if (sys.stdout.encoding or "").lower().startswith("utf") else ("#", "|")
    place: Callable[[float], int] = lambda v: round((v - scale[0]) / (scale[1] - scale[0]) * _WIDTH)  # noqa: E731
    first, last = sorted((place(b.at_low), place(b.at_high)))
    line = [full if first <= n < last else " " for n in range(_WIDTH + 1)]
    line[min(max(place(base), 0), _WIDTH)] = mark
    return "".join(line).rstrip()


# -- bridge -----------------------------------------------------------------------------------------------------
def bridge(args: argparse.Namespace) -> int:
    """Why a result changed between two cases or workbooks."""
    from xl_econ.scenarios.bridge import between
    from xl_econ.scenarios.sides import sides

    groups = _groups(args.group)
    order = [key.strip() for key in args.order.split(",")] if args.order is not None else None
    if args.png:
        free_for_picture(args.png, args.force)
    t, a, b, remarks = sides(args.a, args.b, args.of)
    found = between(t, a, b, args.result, args.by, groups, order, remarks)
    if args.png:
        from xl_econ.scenarios.pictures import bridge_png

        bridge_png(found, args.png)
    if args.json:
        return print_json(_bridge_json(found))
    _print_bridge(found)
    return 0


def _groups(given: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in given:
        name, equals, keys = text.partition("=")
        if not equals or not name.strip() or not keys.strip():
            raise UsageError(f"--group {text}: expected NAME=K1,K2")
        found.setdefault(name.strip(), []).extend(key.strip() for key in keys.split(","))
    return found


def _bridge_json(found: Bridge) -> dict[str, Any]:
    return {
        "name": found.name,
        "result": found.output.key,
        "unit": found.output.unit,
        "start": found.start,
        "end": found.end,
        "difference": found.end - found.start,
        "method": found.method,
        "drivers": [
            {
                "driver": d.key,
                "kind": d.kind,
                "effect": d.effect,
                "inputs": {k: {"a": a, "b": b} for k, (a, b) in d.inputs.items()},
            }
            for d in found.drivers
        ],
        "by_kind": found.by_kind,
        "residual": found.residual,
        "remarks": list(found.remarks),
    }


def _print_bridge(found: Bridge) -> None:
    how = "Shapley values" if found.method == "shapley" else "one after the other, in the order given"
    print(f"{found.name}: {found.output.key} in {found.output.unit} ({how})\n")
    difference = found.end - found.start
    rows: list[list[Any]] = [["", "effect", "share", "kind", "from A to B"], ["A", _figure(found.start), "", "", ""]]
    for d in found.drivers:
        share = f"{d.effect / difference:.1%}" if difference else ""
        moved = "; ".join(_moved(k, a, b, len(d.inputs) > 1 or k != d.key) for k, (a, b) in d.inputs.items())
        rows.append([d.key, _signed(d.effect), share, d.kind, moved])
    if abs(found.residual) > _SEEN * max(abs(found.start), abs(found.end)):
        rows.append(["rounding", f"{found.residual:+.1e}", "", "", ""])
    rows.append(["B", _figure(found.end), "", "", ""])
    print_grid(_right(rows, (1, 2)), 90)
    if len(found.by_kind) > 1:
        print("\n" + ", ".join(f"{k} {_signed(v)}" for k, v in found.by_kind.items()))
    if not found.drivers:
        print("\nnothing that the result depends on differs")
    for text in found.remarks:
        remark(text)


def _right(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> list[list[str]]:
    """Rows with some of their columns to the right."""
    widths = {n: max(len(row[n]) for row in rows) for n in columns}
    return [[c.rjust(widths[n]) if n in widths else c for n, c in enumerate(row)] for row in rows]


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else ''}{_figure(value)}"


def _moved(key: str, a: Any, b: Any, named: bool) -> str:
    return f"{key + ' ' if named else ''}{_plain(a)} to {_plain(b)}"


def _plain(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
