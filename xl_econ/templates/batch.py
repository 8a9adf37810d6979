"""Many cases at once: every one is checked and computed before the first workbook is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xl_econ.core.errors import InputError, UsageError, WorkbookError
from xl_econ.workbook.write import check_target

from . import fill
from .build import Flavour, build, master_text
from .fill import Case
from .layout import CASES, Layout
from .model import Model
from .parts import LIVE


@dataclass(frozen=True)
class Job:
    """A case with its model, and where its workbook goes (None: nowhere, a dry run)."""

    case: Case
    model: Model
    target: Path | None


def prepare(
    layout: Layout, cases: Sequence[Case], output: Path | None, source: str = "", force: bool = False
) -> list[Job]:
    """Check and compute every case, and decide where each workbook goes.

    Args:
        layout: The template.
        cases: What fills it.
        output: A workbook for one case, a folder for any number; None for a dry run.
        source: Name of the case file, for errors.
        force: Replace workbooks that somebody has edited.

    Raises:
        InputError: A case that the template cannot take; nothing was written.
        UsageError: Several cases for one file, or a name that is no workbook's.
        WorkbookError: The folder cannot be made, or a workbook there must not be replaced.
    """
    where = [called(c, cases, source) for c in cases]
    models = [fill.model(layout, c, at) for c, at in zip(cases, where, strict=True)]
    where_to: Sequence[Path | None] = [None] * len(cases) if output is None else targets(output, cases)
    for path in where_to:
        if path is not None:
            check_target(path, force)
    return [Job(*job) for job in zip(cases, models, where_to, strict=True)]


def called(case: Case, cases: Sequence[Case], source: str) -> str:
    """What an error calls a case: its file, and one of several by its line and name."""
    return f"{case.where or source} ({case.name})" if len(cases) > 1 else source


def targets(output: Path, cases: Sequence[Case], ending: str = ".xlsx") -> list[Path]:
    """The workbook of each case, in a folder or at the name of a single one.

    Raises:
        InputError: Two cases of one name.
        UsageError: Several cases for one file, or a name that is no workbook's.
        WorkbookError: The folder cannot be made.
    """
    is_folder = output.is_dir() or output.suffix == ""
    if not is_folder and output.suffix.lower() != ending:
        raise UsageError(f"{output}: a workbook's name ends with {ending}; a folder's has no ending")
    if not is_folder and len(cases) > 1:
        raise UsageError(f"{len(cases)} cases need a folder: -o {output.with_suffix('')}{os.sep}")
    if not is_folder:
        return [output]
    names = [fill.file_name(c, ending) for c in cases]
    folded = [name.casefold() for name in names]
    for name in names:
        if folded.count(name.casefold()) > 1:
            raise InputError(f"two cases would be written to {name}; give them names that differ")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise WorkbookError(f"{output}: cannot be made: {e.strerror}") from None
    return [output / name for name in names]


def write(job: Job, flavour: Flavour = "plain", force: bool = False) -> dict[str, Any]:
    """Write a job's workbook, unless it is a dry run; answers with its key results.

    Raises:
        WorkbookError: The file cannot be written.
    """
    model = job.model
    if job.target is not None:
        build(model, job.target, flavour, job.case.texts, force)
    lines = [model.line(key) for key in model.layout.headline]
    return {
        "template": model.layout.name,
        "name": job.case.name,
        "output": str(job.target) if job.target else None,
        "case": model.selected,
        "results": {x.key: {"label": x.label, "value": x.values[LIVE], "unit": x.unit} for x in lines},
        "checks": master_text(model),
        "flags": [
            {"check": c.label, "severity": c.severity, "cases": c.failing, "values": c.values}
            for c in model.checks
            if c.flag
        ],
        "own": model.own,
    } | ({"by_case": _by_case(model)} if model.cases != CASES else {})


def _by_case(model: Model) -> dict[str, dict[str, Any]]:
    """The key results of every case, and which checks fail in it."""
    return {
        case: {
            "results": {key: model.value(key, case) for key in model.layout.headline},
            "failing": [c.label for c in model.checks if c.severity == "check" and case in c.failing],
        }
        for case in model.cases
    }
