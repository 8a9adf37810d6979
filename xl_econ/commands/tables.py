"""`xl-econ tables NAME --conflicts --older-than DAYS`: what is wrong with a table's figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from xl_econ.core.errors import UsageError
from xl_econ.tables import queries
from xl_econ.tables.queries import Conflict, Old
from xl_econ.tables.store import Table


def findings(t: Table, conflicting: bool, older_than: int | None) -> dict[str, Any]:
    """What was asked for and found, by question.

    Args:
        t: The table.
        conflicting: Whether to look for prices that contradict each other.
        older_than: Age in days that is still allowed; None does not ask.

    Raises:
        UsageError: A negative age, or a table without prices to compare.
    """
    if older_than is not None and older_than < 0:
        raise UsageError(f"--older-than {older_than}: must be at least 0")
    found: dict[str, Any] = {}
    if conflicting:
        found["conflicts"] = queries.conflicts(t)
    if older_than is not None:
        found["older"] = queries.older_than(t, older_than)
    return found


def as_json(t: Table, found: dict[str, Any]) -> dict[str, Any]:
    """The findings as one JSON object."""
    return {"table": t.name} | {question: [asdict(x) for x in answers] for question, answers in found.items()}


def as_grids(found: dict[str, Any]) -> list[list[list[Any]]]:
    """The findings as lines of cells under a headline, for each question that found something."""
    shown = {
        "conflicts": [["offer", "apart", "price", "as_of", "grade", "row"]],
        "older": [["row", "days", "as_of", "grade", "source"]],
    }
    for c in found.get("conflicts", ()):
        shown["conflicts"] += _conflict(c)
    shown["older"] += [_old(o) for o in found.get("older", ())]
    return [lines for lines in shown.values() if len(lines) > 1]


def _conflict(c: Conflict) -> list[list[Any]]:
    heads = [c.offer, f"{c.spread:.0%}"], *([["", ""]] * (len(c.quotes) - 1))
    return [
        [*head, x.price, x.as_of, x.grade + (" (seed)" if x.seed else ""), str(x.key)]
        for head, x in zip(heads, c.quotes, strict=True)
    ]


def _old(o: Old) -> list[Any]:
    return [str(o.key), float(o.days), o.as_of, o.grade, o.source]


def summary(t: Table, found: dict[str, Any]) -> str:
    """The last line: how much was found."""
    parts = []
    if "conflicts" in found:
        parts.append(f"{len(found['conflicts'])} offers whose prices lie more than {queries.SPREAD:.0%} apart")
    if "older" in found:
        parts.append(f"{len(found['older'])} of {len(t.rows)} rows are older than that")
    return f"{t.name}: {'; '.join(parts)}"
