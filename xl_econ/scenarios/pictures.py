"""Distribution, tornado, bridge and break-even map as PNG pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xl_econ.core.errors import UsageError
from xl_econ.core.place import whole
from xl_econ.templates.styles import NAVY, SERIES

from . import curve
from .breakeven import Map
from .bridge import Bridge
from .run import Result
from .target import Output
from .tornado import Tornado

_DPI = 150
_LESS, _MORE, _ENDS = SERIES[4], SERIES[1], NAVY


def drawing() -> Any:
    """What pictures are drawn with.

    Raises:
        UsageError: It is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise UsageError("a picture needs matplotlib: pip install 'xl-econ[scenarios]'") from None
    return Figure


def _figure(rows: int, width: float = 9.0) -> tuple[Any, Any]:
    """A figure and its axes, high enough for so many rows."""
    figure = drawing()(figsize=(width, 1.6 + 0.38 * rows), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    """Write a picture, whole or not at all."""
    with whole(path) as beside:
        figure.savefig(beside, format="png", dpi=_DPI, metadata={"Software": "xl-econ"})


def _short(value: Any) -> str:
    """A figure beside a bar: 0.38, 4.74M."""
    from matplotlib.ticker import EngFormatter

    if isinstance(value, str):
        return value
    return f"{value:,.4g}" if abs(value) < 1e4 else str(EngFormatter(places=2, sep="")(value))


def _large(axis: Any) -> None:
    """Ticks as people read them: 5M, 200k."""
    from matplotlib.ticker import EngFormatter

    axis.set_major_formatter(EngFormatter(sep=""))


def _rows(axes: Any, names: Sequence[str], output: Output) -> None:
    """The names of bars, the first above, and what they are bars of."""
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.margins(x=0.13)  # for the figures beside the bars
    _of(axes, output)


def _of(axes: Any, output: Output) -> None:
    """The axis of a result."""
    _large(axes.xaxis)
    axes.set_xlabel(f"{output.label} ({output.unit})")


def tornado_png(found: Tornado, path: Path, most: int = 20) -> None:
    """The bars of a tornado, the widest above.

    Raises:
        UsageError: matplotlib is not installed.
    """
    bars = [bar for bar in found.bars if math.isfinite(bar.span) and bar.span][:most]
    figure, axes = _figure(len(bars))
    from matplotlib.patches import Patch

    for n, bar in enumerate(bars):
        ends = (bar.at_low, bar.low, _LESS), (bar.at_high, bar.high, _MORE)
        for (end, value, colour), (other, *_) in zip(ends, reversed(ends), strict=True):
            axes.barh(n, end - found.base, left=found.base, color=colour, height=0.62)
            side, shift = ("left", 4) if end > other else ("right", -4)  # beside the bar, also where it has one half
            axes.annotate(_short(value), (end, n), (shift, 0), textcoords="offset points", ha=side, va="center", size=8)
    axes.legend(
        [Patch(color=colour) for colour in (_LESS, _MORE)],
        ["at its low value", "at its high value"],
        loc="lower right",
        bbox_to_anchor=(1, 1),  # above the axes: no bar and no figure is there
        ncols=2,
        frameon=False,
        fontsize=8,
    )
    axes.axvline(found.base, color=_ENDS, linewidth=1)
    _rows(axes, [bar.input.key for bar in bars], found.output)
    axes.set_title(f"{found.name}: what moves {found.output.key} from {_short(found.base)}", loc="left", color=_ENDS)
    _save(figure, path)


def sweep_png(found: Result, path: Path) -> None:
    """The draws of a sweep as a histogram, with P10, P50, P90 and the budgets.

    Raises:
        UsageError: matplotlib is not installed, or no draw has a result.
    """
    key = found.plan.outputs[0]
    if not found.sketches[key].n:
        raise UsageError(f"no draw has a finite {key}: there is nothing to draw")
    output = found.plan.study.compute().outputs[key]
    figure, axes = _figure(10)
    edges, shares = curve.histogram(found, key)
    axes.stairs(shares, edges, fill=True, color=_MORE, alpha=0.85)
    lines = [
        (q, v, _ENDS, -2) for q, v in zip(("P10", "P50", "P90"), found.quantiles(key, (0.1, 0.5, 0.9)), strict=True)
    ]
    lines += [("Budget", budget, _LESS, -28) for budget in found.plan.budgets]
    for name, value, colour, below in lines:  # a budget's figure stands below those of the quantiles
        axes.axvline(value, color=colour, linewidth=1.2)
        place, rest = (value, 1), {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        axes.annotate(f"{name}\n{_short(value)}", place, (3, below), va="top", size=8, color=colour, **rest)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    _of(axes, output)
    axes.set_ylabel("share of the draws")
    axes.set_title(f"{found.plan.study.name}: {output.key}, {found.plan.n:,} draws", loc="left", color=_ENDS)
    _save(figure, path)


def bridge_png(found: Bridge, path: Path) -> None:
    """A waterfall from one result to the other.

    Raises:
        UsageError: matplotlib is not installed.
    """
    steps = [("A", 0.0, found.start, _ENDS)]
    at = found.start
    for d in found.drivers:
        steps.append((d.key, at, d.effect, _MORE if d.effect >= 0 else _LESS))
        at += d.effect
    steps.append(("B", 0.0, found.end, _ENDS))
    figure, axes = _figure(len(steps))
    for n, (_, left, width, colour) in enumerate(steps):
        axes.barh(n, width, left=left, color=colour, height=0.62)
        end = left + width
        sign = "+" if colour == _MORE else ""  # a loss has its own
        place = (max(left, end), n)
        axes.annotate(sign + _short(width), place, (4, 0), textcoords="offset points", va="center", size=8)
        if n + 1 < len(steps):
            axes.plot([end, end], [n + 0.31, n + 0.69], color="#7F7F7F", linewidth=0.8)
    _rows(axes, [key for key, *_ in steps], found.output)
    axes.set_title(f"{found.name}: why {found.output.key} changed", loc="left", color=_ENDS)
    _save(figure, path)


def breakeven_png(found: Map, path: Path) -> None:
    """The result over two inputs in shades, and the curve where it breaks even.

    Raises:
        UsageError: matplotlib is not installed.
    """
    figure, axes = _figure(12, 8.0)
    shades = axes.pcolormesh(found.across, found.down, found.results, cmap="YlGnBu", shading="nearest", alpha=0.8)
    bar = figure.colorbar(shades, label=found.output.unit)
    _large(bar.ax.yaxis)
    points = [(x, y) for x, ys in found.curve for y in ys]
    if all(len(ys) <= 1 for _, ys in found.curve):
        axes.plot([x for x, _ in points], [y for _, y in points], color=_LESS, linewidth=2.2)
    else:
        axes.scatter([x for x, _ in points], [y for _, y in points], color=_LESS, s=14)
    axes.set_xlim(found.across[0], found.across[-1])
    axes.set_ylim(found.down[0], found.down[-1])
    axes.set_xlabel(f"{found.x.key} ({found.x.unit})")
    axes.set_ylabel(f"{found.y.key} ({found.y.unit})")
    at = found.equals.key if found.equals else f"{_short(found.level)} {found.output.unit}"
    nowhere = " (no solution)" if found.why_not else ""
    axes.set_title(f"{found.name}: where {found.output.key} is {at}{nowhere}", loc="left", color=_ENDS)
    _save(figure, path)
