"""`xl-econ tables`: the reference tables, the rows of one, and what is wrong with its figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import UsageError
from xl_econ.tables import queries, store
from xl_econ.workbook import rate_card

from .printing import in_columns, on_screen, print_grid, print_json

if TYPE_CHECKING:
    import argparse

    from xl_econ.tables.queries import Conflict, Old
    from xl_econ.tables.table import Table


def tables(args: argparse.Namespace) -> int:
    """The tables, the rows of one, what is wrong with its figures, or what a refresh changes."""
    if args.table == "refresh":
        return _refresh(args)
    if args.refreshed or args.all_models or args.output or args.csv or args.force:
        raise UsageError("a second name, --all-models, -o, --csv and --force go with: tables refresh NAME")
    if args.where and (args.table is None or args.conflicts or args.older_than is not None):
        raise UsageError("--where chooses among the rows of one table: tables NAME --where column=text")
    if args.conflicts or args.older_than is not None:
        return _findings(args)
    card, held = rate_card.current(), rate_card.held()
    origin = {name: card.name if card and t in held else "shipped" for name, t in store.TABLES.items()}
    if args.table is None:
        every = store.TABLES.values()
        if args.json:
            keys = ("table", "about", "rows", "key", "from")
            found = [(t.name, t.about, len(t.rows), t.key, origin[t.name]) for t in every]
            return print_json([dict(zip(keys, line, strict=True)) for line in found])
        print_grid(
            [["table", "rows", "from", "what"]]
            + [[t.name, float(len(t.rows)), origin[t.name], t.about] for t in every],
            90,
        )
        return 0
    t = store.get(args.table)
    rows = queries.where(t, args.where)
    if args.json:
        units = {c: t.unit(c) for c in t.columns}
        return print_json(
            {"table": t.name, "from": origin[t.name], "units": units, "rows": [r.model_dump() for r in rows]}
        )
    if t.name == "seed_claims":
        return _claims(rows)
    shown = [c for c in t.columns if c not in ("note", "source")]
    print_grid([shown] + [[getattr(r, c) for c in shown] for r in rows], on_screen(28))
    count = f"{len(rows)} of {len(t.rows)}" if args.where else len(rows)
    print(f"{count} rows, {origin[t.name]}; notes and sources: --json")
    return 0


def _refresh(args: argparse.Namespace) -> int:
    from . import refresh

    if args.conflicts or args.older_than is not None or args.where:
        raise UsageError("--conflicts, --older-than and --where ask about a table; refresh does not take them")
    found = refresh.run(args.refreshed, args.all_models)
    written = refresh.write(found, args.output, args.csv, args.force)
    if args.json:
        print_json(refresh.as_json(found, written))
    else:
        for lines in refresh.as_grids(found):
            print_grid(lines)
        print(refresh.summary(found, written))
    return 1 if found.is_change and not written else 0


def _findings(args: argparse.Namespace) -> int:
    if args.table is None:
        raise UsageError("--conflicts and --older-than ask about one table: name it")
    t = store.get(args.table)
    found = findings(t, args.conflicts, args.older_than)
    if args.json:
        print_json(as_json(t, found))
    else:
        for lines in as_grids(found):
            print_grid(lines, on_screen(60))
        print(summary(t, found))
    return 1 if any(found.values()) else 0


def _claims(rows: list[Any]) -> int:
    """Each claim of the seed in one line, and under it what it was checked for and why it stands or falls."""
    from collections import Counter

    from xl_econ.hosts.claims import claimed

    lines = in_columns(
        [["verdict", "claim_id", "claim", "claimed", "computed", "unit"]]
        + [[r.verdict, r.claim_id, r.claim, claimed(r), float(f"{r.computed:.6g}"), r.unit] for r in rows],
        on_screen(42),
    )
    indent = " " * lines[0].index("claim_id")
    print(lines[0])
    for r, line in zip(rows, lines[1:], strict=True):
        print(f"{line}\n{indent}{r.quantity}: {r.note}")
    counts = Counter(r.verdict for r in rows)
    verdicts = ", ".join(f"{n} {v}" for v, n in counts.most_common()) or "none"
    print(f"{len(rows)} claims: {verdicts}; formulas and sources: --json")
    return 0


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
