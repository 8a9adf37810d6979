"""`xl-econ addin names F`: the named functions put into a workbook, or taken out of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from .printing import print_json, remark

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from xl_econ.addin.names import Plan

SHOWN = 6  # names of a list on a terminal; --json holds all


def names(args: argparse.Namespace) -> int:
    """Plan, write unless asked not to, and tell; the exit code is 1 where something stands in the way."""
    from xl_econ.addin.names import Book
    from xl_econ.core.errors import UsageError
    from xl_econ.workbook.write import check_target

    if args.remove and args.tables:
        raise UsageError("addin names: --remove takes functions out, --tables brings tables in; ask for one of them")
    target = args.output or args.workbook
    if target.suffix.lower() != args.workbook.suffix.lower() and not target.is_dir():
        raise UsageError(f"{target}: a copy of {args.workbook.name} ends with {args.workbook.suffix}, as that does")
    if not args.dry_run:
        # A workbook that the user names to change may be edited; one that is named to be replaced may not.
        check_target(target, force=args.force or target.resolve() == args.workbook.resolve())
    book = Book(args.workbook)
    plan = book.remove() if args.remove else book.install(args.tables)
    if not args.dry_run:
        book.write(plan, target)
    written = not args.dry_run and (plan.is_change or target.resolve() != args.workbook.resolve())
    if args.json:
        print_json({"workbook": str(args.workbook), "written": str(target) if written else None, **asdict(plan)})
    else:
        print("\n".join(_lines(plan)))
        print(f"written: {target}" if written else "nothing written" + (" (--dry-run)" if args.dry_run else ""))
        if plan.missing and not args.tables:
            remark("--tables adds the missing tables, a sheet each")
    return 1 if plan.conflicts else 0


def _lines(plan: Plan) -> Iterator[str]:
    lists = (
        ("added", plan.added),
        ("replaced (of another version, or edited)", plan.replaced),
        ("there already", plan.kept),
        ("removed", plan.removed),
        ("tables added", plan.tables),
    )
    for label, found in lists:
        if found:
            yield f"{label}: {len(found)} ({_some(found)})"
    for function, tables in plan.missing.items():
        yield f"{function}: not added, the workbook lacks {'; '.join(tables)}"
    for name, why in plan.conflicts.items():
        yield f"{name}: conflict: {why}"
    for name, count in plan.calls.items():
        yield f"{name}: {count} cell{'s call' if count > 1 else ' calls'} it and will show #NAME?"
    if not (plan.is_change or plan.kept or plan.missing or plan.conflicts):
        yield "no named functions of xl-econ"


def _some(found: list[str]) -> str:
    return ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
