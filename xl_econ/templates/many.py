"""Many workbooks in one run: every case is checked before the first is written; in several processes if asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError, XlEconError
from xl_econ.workbook import rate_card
from xl_econ.workbook.write import check_target

from . import batch, columns, layout
from .build import Flavour
from .compiled import Blank, master_text
from .compute import Computed
from .edited import Edited
from .fill import Case
from .layout import CASES, Layout
from .parts import LIVE

MANY = 4  # from so many workbooks on it is faster to compile the template first


def compiles(template: Layout) -> bool:
    """Whether a template can be compiled: a timeline, sensitivities, tables that follow a case are built for each."""
    return template.timeline is None and template.sensitivity is None and not columns.follow_case(template)


@dataclass(frozen=True)
class Task:
    """A case and where its workbook goes (None: nowhere, a dry run)."""

    case: Case
    target: Path | None
    held: bool = False  # the workbook there holds this case already


class Run:
    """Cases that fill one template.

    Args:
        template: The template.
        flavour: Of the workbooks.
        force: Replace workbooks that somebody has edited.
    """

    def __init__(self, template: Layout, flavour: Flavour = "plain", force: bool = False) -> None:
        self.template, self.flavour, self.force = template, flavour, force
        self.blank = Blank(template, flavour)

    def prepare(self, cases: Sequence[Case], output: Path | None, source: str = "", resume: bool = False) -> list[Task]:
        """Check every case, and decide where each workbook goes.

        Args:
            cases: What fills it.
            output: A folder; None for a dry run.
            source: Name of the case file, for errors.
            resume: Leave the workbooks that hold their case already.

        Raises:
            InputError: A case that the template cannot take; nothing was written.
            WorkbookError: The folder cannot be made, or a workbook there must not be replaced.
        """
        where_to: Sequence[Path | None] = [None] * len(cases) if output is None else batch.targets(output, cases)
        tasks = []
        for case, path in zip(cases, where_to, strict=True):
            computed = self.blank.calculator(case, f"{source}, {case.name}" if len(cases) > 1 else source)
            held = resume and path is not None and self.holds(path, computed)
            if path is not None and not held:
                check_target(path, self.force)
            tasks.append(Task(case, path, held))
        return tasks

    def holds(self, path: Path, computed: Computed) -> bool:
        """Whether a workbook holds a case: it says so, and its cells do."""
        if not path.exists():
            return False
        try:
            book = Edited(path)
            read = book.read()
        except XlEconError:
            return False
        meant = replace(self.blank.stamp, inputs=self.blank.hash_of(computed))
        values = {case: {k: computed.values[case][k] for k in self.template.by_key} for case in CASES}
        texts = {k: v for k, v in computed.texts.items() if v}
        return book.stamp == meant and (read.values, read.selected, read.texts) == (values, computed.selected, texts)

    def one(self, task: Task) -> dict[str, Any]:
        """Write the workbook of a task, unless it is there or a dry run; answers with its key results."""
        computed = self.blank.calculator(task.case)
        if task.target is not None and not task.held:
            self.blank.write(computed, task.target, self.force)
        return self._report(task, computed)

    def write(self, tasks: Sequence[Task], jobs: int = 1) -> Iterator[dict[str, Any]]:
        """Write the workbooks of tasks, in their order; answers with the key results of each.

        Args:
            tasks: From `prepare`.
            jobs: Processes at work.

        Raises:
            WorkbookError: A file cannot be written; those before it stay, and `resume` goes on from there.
        """
        if jobs == 1:
            yield from map(self.one, tasks)
            return
        arguments = (self.template.name, self.flavour, self.force, rate_card.current())
        with ProcessPoolExecutor(jobs, initializer=_start, initargs=arguments) as pool:
            for found in pool.map(_one, tasks, chunksize=max(1, min(16, len(tasks) // jobs))):
                if isinstance(found, str):
                    pool.shutdown(cancel_futures=True)
                    raise WorkbookError(found)
                yield found

    def _report(self, task: Task, computed: Computed) -> dict[str, Any]:
        model = self.blank.calculator.model
        lines = [model.line(key) for key in self.template.headline]
        flags = []
        for check, values in zip(model.checks, computed.checks, strict=True):
            failing = [
                case for case in (LIVE, *CASES) if case in values and not check.low <= values[case] <= check.high
            ]
            if failing:
                flags.append({"check": check.label, "severity": check.severity, "cases": failing, "values": values})
        live = computed.values[LIVE]
        return {
            "template": self.template.name,
            "name": task.case.name,
            "output": str(task.target) if task.target else None,
            "case": computed.selected,
            "results": {x.key: {"label": x.label, "value": live[x.key], "unit": x.unit} for x in lines},
            "checks": master_text(self.blank.calculator, computed),
            "flags": flags,
            "own": computed.own,
        } | ({"held": True} if task.held else {})


_RUN: list[Run] = []  # of a process at work
_OPEN = ExitStack()


def _start(template: str, flavour: Flavour, force: bool, card: Path | None) -> None:
    """What a process at work does once: it compiles the template, with the tables of the one that started it."""
    _OPEN.enter_context(rate_card.using(card))
    _RUN[:] = [Run(layout.load(template), flavour, force)]


def _one(task: Task) -> dict[str, Any] | str:
    try:
        return _RUN[0].one(task)
    except WorkbookError as e:
        return str(e)
