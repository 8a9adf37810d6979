"""The commands about workbooks that people have edited: `fill F.xlsx`, `extract`, `recalc --write`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import InputError, UsageError

from .printing import print_grid, print_json, progress, rounded

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from xl_econ.templates.edited import Change, Edited
    from xl_econ.templates.fill import Case
    from xl_econ.workbook.read import Address
    from xl_econ.workbook.refresh import Refreshed

SHOWN = 20


def fill(args: argparse.Namespace) -> int:
    """A user's workbook filled where its inputs stand; every other part of it stays as it is."""
    from pathlib import Path

    from xl_econ.templates import fill
    from xl_econ.templates.edited import Edited

    path = Path(args.template)
    if args.resume or args.together or (args.jobs, args.engine, args.flavour) != (1, "local", "plain"):
        raise UsageError(
            "--resume, --together, --jobs, --engine and --flavour are for filling a template, not a workbook"
        )
    book = Edited(path)
    cases = (
        fill.read(args.input, book.layout, cases=tuple(book.cases))
        if args.input
        else [fill.Case(path.stem, cases=tuple(book.cases))]
    )
    cases = [fill.with_settings(c, args.set, book.layout) for c in cases]
    targets = [path] if args.output is None and len(cases) == 1 else _targets(args.output, cases, path)
    # Every case is checked, recalculated and read before the first workbook is written.
    found = [(case, target, *_worked_out(book, case)) for case, target in zip(cases, targets, strict=True)]
    reports = []
    for case, target, changes, fresh in progress(found, len(found)):
        if not args.dry_run:
            _write(book, target, changes, fresh, args.force)
        reports.append(_report(book, case, None if args.dry_run else target, changes, fresh))
    if args.json:
        return print_json(reports if len(reports) > 1 else reports[0])
    for report in reports:
        _print(report)
    return 0


def _targets(output: Path | None, cases: list[Case], path: Path) -> list[Path]:
    from xl_econ.templates import batch

    if output is None:
        raise UsageError(f"{len(cases)} cases need a folder: -o DIR")
    if not output.is_dir() and output.suffix and output.suffix.casefold() != path.suffix.casefold():
        raise UsageError(f"{output}: a copy of {path.name} ends with {path.suffix}")
    return batch.targets(output, cases, path.suffix.casefold())


def _worked_out(book: Edited, case: Case) -> tuple[list[Change], Refreshed]:
    """What a case changes, and what the formulas then say."""
    from xl_econ.workbook.refresh import refreshed

    changes = book.changes(case)
    fresh = refreshed(book.book, {c.at: c.after for c in changes})
    for name, at in book.named_results().items():
        value = fresh.changes.get(at)
        if isinstance(value, str) and value.startswith("#"):
            raise InputError(f"{at[0]}!{at[1]}: {name} would be {value}: the inputs have no result together")
    return changes, fresh


def _write(book: Edited, target: Path, changes: list[Change], fresh: Refreshed, force: bool) -> None:
    from xl_econ.workbook.patch import patch
    from xl_econ.workbook.write import check_target

    if target.resolve() != book.path.resolve():
        check_target(target, force)
    values = {c.at: c.after for c in changes}
    patch(book.book, target, values | book.restamped(values), fresh.changes, bool(fresh.kept))


def _report(book: Edited, case: Case, target: Path | None, changes: list[Change], fresh: Refreshed) -> dict[str, Any]:
    lines = {r.key: r.label for r in book.layout.results}
    return {
        "template": book.layout.name,
        "name": case.name,
        "workbook": str(book.path),
        "output": str(target) if target else None,
        "cells": [
            {"cell": c.where, "key": c.key, "case": c.case, "before": c.before, "after": c.after} for c in changes
        ],
        "formulas": [
            {"cell": _where(at), "before": fresh.before[at], "after": value} for at, value in fresh.changes.items()
        ],
        "not_computed": [_where(at) for at in fresh.kept],
        "results": {
            key: {"label": lines.get(key, key), "value": value} for key, value in book.results(fresh.changes).items()
        },
        "checks": book.checks(fresh.changes),
    }


def _where(at: Address) -> str:
    return f"{at[0]}!{at[1]}"


def _print(report: dict[str, Any]) -> None:
    print(report["output"] or "not written (dry run)")
    cells = report["cells"]
    if shown := [c for c in cells if c["case"] not in ("source", "as_of", "grade")]:
        print_grid([[f"  {c['cell']}", _name(c), _shown(c["before"]), "->", _shown(c["after"])] for c in shown], 40)
    print(f"  {len(cells)} cells changed, {len(report['formulas'])} results refreshed")
    results = [(r["label"], r["value"]) for r in report["results"].values()]
    if results:
        print_grid([[f"  {label}", rounded(v) if isinstance(v, float) else v] for label, v in results])
    if report["checks"]:
        print(f"  {report['checks']}")
    _print_kept(report["not_computed"])


def _name(cell: dict[str, Any]) -> str:
    return ".".join(x for x in (cell["case"], cell["key"]) if x)


def _shown(value: Any) -> Any:
    return "(empty)" if value is None else value


def _print_kept(kept: list[str]) -> None:
    if kept:
        listed = ", ".join(kept[:SHOWN]) + ("..." if len(kept) > SHOWN else "")
        print(f"  {len(kept)} results keep what was stored, because IronCalc cannot compute them: {listed}")
        print("  Excel computes them when it opens the workbook; a program that only reads it sees old values there")


def extract(args: argparse.Namespace) -> int:
    """The case file of a filled workbook."""
    from xl_econ.templates import casefile
    from xl_econ.templates.edited import Edited
    from xl_econ.workbook.write import check_target

    book = Edited(args.workbook)
    case = book.read()
    if args.output is None:
        if args.json:
            return print_json(casefile.content(case, book.layout.name))
        print(casefile.text(case, book.layout.name), end="")
        return 0
    if args.output.exists() and not args.force:
        raise UsageError(f"{args.output}: exists; --force replaces it")
    check_target(args.output, force=True)
    casefile.write(args.output, case, book.layout.name)
    if args.json:
        return print_json({"workbook": str(args.workbook), "output": str(args.output), "template": book.layout.name})
    print(args.output)
    return 0


def refresh(args: argparse.Namespace) -> int:
    """Fresh stored values beside every formula of a workbook, in place."""
    if args.engine != "ironcalc":
        raise UsageError("--write takes the values of ironcalc; --engine libreoffice only compares")
    found = _refreshed(args.workbook)
    kept = [_where(at) for at in found.kept]
    if args.json:
        cells = [{"cell": _where(at), "before": found.before[at], "after": v} for at, v in found.changes.items()]
        return print_json({"file": str(args.workbook), "written": cells, "not_computed": kept})
    print(f"{args.workbook}: {len(found.changes)} results refreshed")
    _print_kept(kept)
    return 0


def _refreshed(path: Path) -> Refreshed:
    """Refresh the results of a workbook, and what it says of itself if it is one of ours."""
    from xl_econ.core.errors import WorkbookError
    from xl_econ.templates.edited import Edited
    from xl_econ.workbook.parts import Parts
    from xl_econ.workbook.refresh import refresh

    book = Parts(path)
    try:
        cells = Edited(path).restamped({})
    except WorkbookError:  # somebody else's, or without the names that find its inputs
        cells = {}
    return refresh(book, path, cells)
