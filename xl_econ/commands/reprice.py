"""The command `reprice`: other table rows in a filled workbook, and what each does to the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import InputError, UsageError

from .printing import number, print_grid, print_json

if TYPE_CHECKING:
    import argparse

    from xl_econ.templates.reprice import Attributed, CellChange, Repriced, RowChange, TableChanges

SHOWN = 20
_HIDDEN = 1e-12  # an interaction smaller than this share of the result is rounding


def reprice(args: argparse.Namespace) -> int:
    """A workbook whose tables take the rows in use, in place or as a copy."""
    from xl_econ.templates import reprice
    from xl_econ.templates.edited import Edited
    from xl_econ.workbook.patch import patch
    from xl_econ.workbook.write import check_target

    target = args.output or args.workbook
    if target.suffix.casefold() != args.workbook.suffix.casefold():
        raise UsageError(f"{target}: a copy of {args.workbook.name} ends with {args.workbook.suffix}")
    book = Edited(args.workbook)
    if not args.dry_run:
        check_target(target, force=args.force or target.resolve() == args.workbook.resolve())
    found = reprice.changes(book.grid)
    cells = book.named_results()
    repriced = reprice.Repriced(book.book, book.layout, cells, found.rows)
    for key, at in cells.items():
        if isinstance(value := repriced.after[at], str) and value.startswith("#") and value != repriced.before[at]:
            raise InputError(f"{at[0]}!{at[1]}: {key} would be {value}: a figure that it needs is gone")
    results = repriced.attributed()
    if not args.dry_run:
        fresh = repriced.fresh
        stamped, properties = book.restamped(repriced.values)
        patch(book.book, target, repriced.values | stamped, fresh.changes, bool(fresh.kept), properties)
    output = None if args.dry_run else str(target)
    if args.json:
        return print_json(_report(args, found, repriced, results, output))
    _print(found, repriced, results, output)
    return 0


def _report(
    args: argparse.Namespace, found: TableChanges, repriced: Repriced, results: list[Attributed], output: str | None
) -> dict[str, Any]:
    return {
        "workbook": str(args.workbook),
        "output": output,
        "tables": found.tables,
        "rows": [
            {
                "table": row.table,
                "key": row.key,
                "cells": [
                    {"cell": f"{c.at[0]}!{c.at[1]}", "column": c.column, "old": c.old, "new": c.new} for c in row.cells
                ],
            }
            for row in found.rows
        ],
        "added": [{"table": table, "key": key} for table, key in found.added],
        "removed": [{"table": table, "key": key} for table, key in found.removed],
        "results": {
            r.key: {
                "label": r.label,
                "old": r.old,
                "new": r.new,
                "by_row": [{"table": row.table, "key": row.key, "effect": effect} for row, effect in r.by_row],
                "interaction": r.interaction,
            }
            for r in results
        },
        "formulas": len(repriced.fresh.changes),
        "not_computed": [f"{sheet}!{cell}" for sheet, cell in repriced.fresh.kept],
    }


def _print(found: TableChanges, repriced: Repriced, results: list[Attributed], output: str | None) -> None:
    print(output or "not written (dry run)")
    tables = list(dict.fromkeys(row.table for row in found.rows))
    print(f"  {len(found.rows)} rows change{' in ' if tables else ''}{', '.join(tables)}")
    acting = {id(row) for r in results for row, _ in r.by_row}
    cells = [(row, c) for row in found.rows for c in row.cells if id(row) in acting]
    if cells:
        print("  of them these move a result:")
        print_grid([_cell(row, c) for row, c in cells[:SHOWN]], 70)
    if len(cells) > SHOWN:
        print(f"    ... and {len(cells) - SHOWN} more cells (--json lists all)")
    for title, keys in (("in the new tables only, not added", found.added), ("not in the new tables", found.removed)):
        if keys:
            listed = ", ".join(f"{table}[{key}]" for table, key in keys[:3])
            print(f"  {len(keys)} rows {title}: {listed}{', ...' if len(keys) > 3 else ''}")
    print(f"  {len(results)} results change")
    lines: list[list[Any]] = []
    for r in results:
        lines.append([f"    {r.label}", _shown(r.old), "->", _shown(r.new), _share(r.old, r.new)])
        lines += [[f"      {row.table}[{row.key}]", _signed(effect), "", "", ""] for row, effect in r.by_row]
        if abs(r.interaction) > _HIDDEN * max(_size(r.old), _size(r.new)):
            lines.append(["      interaction", _signed(r.interaction), "", "", ""])
    if lines:
        print_grid(lines, 70)
    if repriced.fresh.kept:
        print(f"  {len(repriced.fresh.kept)} results keep what was stored, because IronCalc cannot compute them")


def _cell(row: RowChange, c: CellChange) -> list[str]:
    return [f"    {row.table}[{row.key}].{c.column}", _shown(c.old), "->", _shown(c.new), _share(c.old, c.new)]


def _shown(value: Any) -> str:
    return "(empty)" if value is None else str(number(value))


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + str(number(value))


def _size(value: Any) -> float:
    return abs(value) if isinstance(value, float | int) else 0.0


def _share(old: Any, new: Any) -> str:
    numbers = isinstance(old, float | int) and isinstance(new, float | int)
    return f"{new / old - 1:+.2%}" if numbers and old else ""
