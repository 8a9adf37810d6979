"""`xl-econ tables refresh NAME`: what the prices of an installed package change in a table, and writing it."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xl_econ.core.errors import UsageError, WorkbookError, nearest
from xl_econ.tables import genai, refresh, store
from xl_econ.tables.refresh import Refresh
from xl_econ.tables.table import Table, replaced

# The tables that there is a package for.
SOURCES: Mapping[str, Callable[[Table, bool], Refresh]] = {
    "api_prices": lambda t, all_models: refresh.api_prices(t, genai.read(), all_models),
}


def run(name: str | None, all_models: bool = False) -> Refresh:
    """What new prices do to a table in use; nothing is written.

    Args:
        name: The table.
        all_models: Add what the package holds besides.

    Raises:
        UsageError: No table that can be refreshed, or its package is not installed.
        TableError: The package cannot be read, or has nothing in common with the table.
    """
    able = ", ".join(SOURCES)
    if name is None:
        raise UsageError(f"tables refresh: which table? There is {able}")
    folded = name.strip().casefold()
    if folded not in SOURCES:
        hint = "" if folded in store.TABLES else nearest(name, SOURCES)
        raise UsageError(f"table {name!r} cannot be refreshed{hint or f'; what can be is {able}'}")
    return SOURCES[folded](store.get(folded), all_models)


RATE_CARD = "rate_card"  # the template that holds the tables


def write(found: Refresh, workbook: Path | None, table: Path | None, force: bool = False) -> list[Path]:
    """Write the refreshed table: into a new rate card with the other tables in use, as CSV, or both.

    Args:
        found: The refreshed table.
        workbook: The rate card, or a folder for it.
        table: The CSV file.
        force: Replace a workbook that somebody has edited, or a CSV file.

    Raises:
        WorkbookError: A file cannot be written; then none was, unless the disk failed in between.
        UsageError: The workbook's name is no workbook's.
    """
    from xl_econ.templates import batch, build, layout
    from xl_econ.templates.fill import Case
    from xl_econ.templates.model import Model
    from xl_econ.workbook.write import check_target

    if table is not None:
        _check_csv(table, force)
        if workbook is not None and workbook.resolve() == table.resolve():
            raise UsageError(f"{table}: cannot be both the rate card and the table; name two files")
    written = []
    if workbook is not None:
        [path] = batch.targets(workbook, [Case(RATE_CARD)])
        check_target(path, force)
        with replaced({found.table: found.rows}):
            build.build(Model(layout.load(RATE_CARD)), path, force=force)
        written.append(path)
    if table is not None:
        _write_csv(store.get(found.table), found.rows, table)
        written.append(table)
    return written


def _check_csv(path: Path, force: bool) -> None:
    if path.is_dir():
        raise WorkbookError(f"{path}: is a folder; name a file in it")
    if not os.access(path.parent, os.W_OK):
        raise WorkbookError(f"{path}: cannot be written: {path.parent} is no folder to write to")
    if path.exists() and not force:
        raise WorkbookError(f"{path}: exists; --force replaces it")


def _write_csv(table: Table, rows: Mapping[Any, Any], path: Path) -> None:
    """The rows as the shipped CSV files have them, written beside the place and then moved into it."""
    try:
        handle, name = tempfile.mkstemp(suffix=".tmp", prefix=f".{path.stem}-", dir=path.parent)
    except OSError as e:
        raise WorkbookError(f"{path}: cannot be written: {e.strerror}") from None
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as f:
            lines = csv.writer(f, lineterminator="\n")
            lines.writerow(table.columns)
            lines.writerows([_cell(getattr(row, c)) for c in table.columns] for row in rows.values())
        beside.chmod(path.stat().st_mode if path.exists() else 0o644)
        beside.replace(path)
    except OSError as e:
        raise WorkbookError(f"{path}: cannot be written: {e.strerror or e}") from None
    finally:
        beside.unlink(missing_ok=True)


def _cell(value: Any) -> Any:
    return f"{value:.15g}" if isinstance(value, float) else value


def as_json(found: Refresh, written: list[Path]) -> dict[str, Any]:
    """What changes as one JSON object."""
    lists = {k: v for k, v in asdict(found).items() if k != "rows"}
    return lists | {"rows": len(found.rows), "written": [str(p) for p in written]}


def as_grids(found: Refresh) -> list[list[list[Any]]]:
    """What changes as lines of cells under a headline, for each kind of news that there is."""
    changed = [[c.key, c.column, c.old, c.new, "" if c.change is None else f"{c.change:+.1%}"] for c in found.changed]
    prices = ("input_usd_per_mtok", "output_usd_per_mtok")
    added = [[key, *(getattr(found.rows[key], c) for c in prices)] for key in found.added]
    shown = (
        (["model", "column", "old", "new", "change"], changed),
        (["added", "input", "output"], added),
        ([f"not in {found.package} (kept)"], [[key] for key in found.missing]),
        (["of another source (kept)"], [[key] for key in found.own]),
    )
    return [[head, *lines] for head, lines in shown if lines]


def summary(found: Refresh, written: list[Path]) -> str:
    """The last lines: how much changes, and where it was written."""
    rows = len({c.key for c in found.changed})
    counts = f"{rows} rows change, {len(found.added)} are added, {found.unchanged} stay"
    kept = f"{len(found.missing)} not in {found.package}, {len(found.own)} of another source"
    lines = [f"{found.table}, {found.package} {found.version} (data of {found.as_of}): {counts}; {kept}"]
    lines += [f"written: {path}" for path in written]
    if found.is_change and not written:
        lines.append("nothing written: -o F writes a rate card with the new prices, --csv F the table")
    return "\n".join(lines)
