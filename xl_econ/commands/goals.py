"""The commands about what it would take: `solve` and `breakeven`."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import UsageError

from .drivers import finite, words
from .files import free, free_for_picture, write_text
from .printing import number, print_grid, print_json, rounded

if TYPE_CHECKING:
    import argparse

    from xl_econ.scenarios.breakeven import Map
    from xl_econ.scenarios.roots import Answer
    from xl_econ.scenarios.solve import Solution

_FINE = 61  # values of each input in a picture


# -- solve ------------------------------------------------------------------------------------------------------
def solve(args: argparse.Namespace) -> int:
    """What an input must be; exit code 1 where nothing does."""
    from xl_econ.scenarios.solve import solve as solved

    goal, output, unknown, given = _asked(args)
    found = solved(args.name, goal, unknown, output=output, **given)
    if args.json:
        print_json(_solution_json(found))
    else:
        _print_solution(found)
    return 0 if found.answers else 1


def _asked(args: argparse.Namespace) -> tuple[str, str | None, str, dict[str, Any]]:
    """What to reach, of which result, what is sought, and the inputs."""
    from xl_econ.scenarios.target import target

    asked = target(args.name)
    outputs = asked.outputs
    bare = [word for word in args.arguments if "=" not in word]
    given = words([word for word in args.arguments if "=" in word])
    sought = [key for key, text in given.items() if text.strip() == "?"]
    if len(sought) != 1:
        what = f"{' and '.join(sought)} are sought" if sought else "nothing is sought"
        raise UsageError(f"{what}: write one input as k=?")
    del given[sought[0]]
    goals: list[tuple[str, str | None]] = [(text, args.result) for text in bare]
    if "target" in given:
        goals.append((given.pop("target"), args.result))
    goals += [(given.pop(key), key) for key in list(given) if key in outputs]
    goals += [(given.pop(key), args.result) for key in list(given) if key.casefold() == asked.name.casefold()]
    if len(goals) != 1:
        what = "the value to reach is missing" if not goals else f"{len(goals)} values to reach"
        raise UsageError(f"{what}: write one, as target=5e6")
    return *goals[0], sought[0], given


def _solution_json(found: Solution) -> dict[str, Any]:
    low, high = found.reachable or (None, None)
    return {
        "name": found.name,
        "result": found.output.key,
        "unit": found.output.unit,
        "target": found.goal,
        "unknown": found.unknown.key,
        "inputs": {k: list(v) if isinstance(v, tuple) else v for k, v in found.inputs.items()},
        "answers": [
            {"value": a.at, "to": a.to, "result": a.result, **({"reached_by_a_step": True} if a.jumps else {})}
            for a in found.answers
        ],
        "method": "closed" if found.expression is not None else "root",
        "formula": found.formula or None,
        "steps": found.steps,
        **({} if found.answers else {"reason": found.why_not, "needed": found.outside}),
        **({"reachable": {"low": low, "high": high}} if found.reachable else {}),
    }


def _print_solution(found: Solution) -> None:
    if not found.answers:
        print(found.why_not)
    for a in found.answers:
        print(_answer(found, a))
    if len(found.answers) > 1:
        print(f"{len(found.answers)} solutions")
    if found.formula:
        print("\n".join((found.formula, *found.steps)))


def _answer(found: Solution, a: Answer) -> str:
    key, output = found.unknown.key, found.output
    unit = "" if found.unknown.unit in ("1", "any", "share", "ratio", "factor") else f" {found.unknown.unit}"
    if a.jumps:
        shown = f"{number(a.result)} {output.unit}"
        return f"{key} = {_exact(a.at)}{unit}: {output.key} goes by steps and is {shown} there"
    if a.to > a.at:
        return f"{key} = {_exact(a.at)} to {_exact(a.to)}{unit}: {output.key} is the same from end to end"
    return f"{key} = {_exact(a.at)}{unit}"


def _exact(value: float) -> str:
    return f"{value:,.10g}" if abs(value) < 1e15 else f"{value:.10g}"


# -- breakeven --------------------------------------------------------------------------------------------------
def breakeven(args: argparse.Namespace) -> int:
    """Where a result breaks even over two inputs; exit code 1 where it does for no value of x."""
    from xl_econ.scenarios.breakeven import breakeven_map

    given: dict[str, Any] = dict(words(args.arguments))
    if args.png:
        free_for_picture(args.png, args.force)
    if args.csv:
        free(args.csv, args.force)
    x, y = _axis("--x", args.x), _axis("--y", args.y)
    found = breakeven_map(
        args.name, x, y, args.target, equals=args.equals, output=args.result, curve=args.points, **given
    )
    if args.png:
        from xl_econ.scenarios.pictures import breakeven_png

        fine = breakeven_map(
            args.name, x, y, args.target, equals=args.equals, output=args.result, curve=_FINE, grid=_FINE, **given
        )
        breakeven_png(fine, args.png)
    if args.csv:
        write_text(args.csv, _csv(found), args.force)
    if args.json:
        print_json(_map_json(found))
    else:
        _print_map(found)
    return 1 if found.why_not else 0


def _axis(option: str, text: str) -> tuple[str, Any, Any]:
    key, equals, ends = text.partition("=")
    low, colon, high = ends.partition(":")
    if not (equals and colon and key.strip() and low.strip() and high.strip()):
        raise UsageError(f"{option} {text}: expected an input and its ends, as utilization=0.2:1")
    return key.strip(), low, high


def _map_json(found: Map) -> dict[str, Any]:
    return {
        "name": found.name,
        "result": found.output.key,
        "unit": found.output.unit,
        "target": found.goal,
        "equals": found.equals.key if found.equals else None,
        "x": found.x.key,
        "y": found.y.key,
        "formula": found.formula or None,
        "steps": list(found.steps),
        "curve": [{"x": x, "y": list(ys)} for x, ys in found.curve],
        **({"reason": found.why_not} if found.why_not else {}),
        "grid": {
            "x": list(found.across),
            "y": list(found.down),
            "results": [[finite(v) for v in row] for row in found.results],
        },
    }


def _csv(found: Map) -> str:
    """The curve and the grid in one table: what it is, x, y, the result."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["part", found.x.key, found.y.key, found.output.key if found.equals is None else "difference"])
    writer.writerows(["curve", repr(x), repr(y), repr(found.level)] for x, ys in found.curve for y in ys)
    for y, row in zip(found.down, found.results, strict=True):
        cells = zip(found.across, row, strict=True)
        writer.writerows(["grid", repr(x), repr(y), "" if math.isnan(v) else repr(v)] for x, v in cells)
    return out.getvalue()


def _print_map(found: Map) -> None:
    at = found.equals.key if found.equals else f"{found.level:,.10g} {found.output.unit}"
    print(f"{found.name}: where {found.output.key} is {at}\n")
    rows: list[list[Any]] = [[found.x.key, found.y.key]]
    rows += [[float(f"{x:.6g}"), ", ".join(f"{y:,.6g}" for y in ys) or "none in its range"] for x, ys in found.curve]
    if found.why_not:
        print(found.why_not)
    else:
        print_grid(rows)
    if found.formula:
        print("\n" + "\n".join((found.formula, *found.steps)))
    what = found.output.key if found.equals is None else f"{found.output.key} - {found.equals.key}"
    print(f"\n{what} in {found.output.unit}, + where it is above:\n")
    head = [f"{found.y.key} \\ {found.x.key}", *(f"{x:,.6g}" for x in found.across)]
    cells = [
        [f"{y:,.6g}", *(_cell(v, found.level) for v in row)] for y, row in zip(found.down, found.results, strict=True)
    ]
    widths = [max(len(row[n]) for row in (head, *cells)) for n in range(len(head))]
    for row in (head, *cells):
        print("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)).rstrip())


def _cell(value: float, level: float) -> str:
    if math.isnan(value):
        return "none "
    return f"{rounded(value):,.10g}{'+' if value > level else ' '}"
