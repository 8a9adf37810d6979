"""Many workbooks in one run: every case is checked before the first is written; on an engine if asked."""

from __future__ import annotations

import glob
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import XlEconError
from xl_econ.engines.base import InProcess
from xl_econ.workbook import rate_card
from xl_econ.workbook.write import check_target

from . import batch, layout
from .build import Flavour
from .compiled import Blank
from .compute import Computed
from .edited import Edited
from .fill import Case
from .layout import CASES, Layout
from .parts import LIVE
from .slots import master_text

if TYPE_CHECKING:
    from xl_econ.engines.base import Engine

_TOGETHER = 16  # cases that go to a process at a time
MANY = 4  # from so many workbooks on it is faster to compile the template first


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
        for (
            case
        ) in cases:  # before anything is made; what was computed is not kept, or memory would grow with the cases
            self.blank.calculator(case, batch.called(case, cases, source))
        where_to: Sequence[Path | None] = [None] * len(cases) if output is None else batch.targets(output, cases)
        tasks = []
        for case, path in zip(cases, where_to, strict=True):
            held = resume and path is not None and self.holds(path, self.blank.calculator(case))
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

    def write(self, tasks: Sequence[Task], engine: Engine | None = None) -> Iterator[dict[str, Any]]:
        """Write the workbooks of tasks; answers with the key results of each, in their order.

        Args:
            tasks: From `prepare`.
            engine: Where the work runs; in this process without one. Workers find the folder by the same path.

        Raises:
            WorkbookError: A file cannot be written; those before it stay, and `resume` goes on from there.
            EngineError: The workers are out of reach; what was written is whole, and `resume` goes on from there.
        """
        if engine is None or isinstance(engine, InProcess):
            yield from map(self.one, tasks)
            return
        card = rate_card.current()
        size = max(1, min(_TOGETHER, len(tasks) // engine.workers))
        shares = [
            _Share(self.template.name, self.flavour, self.force, str(card.absolute()) if card else None, tuple(some))
            for some in _batched(map(_absolute, tasks), size)
        ]
        left = iter(tasks)
        deaths = engine.deaths
        for reports in engine.run(_write, shares):
            for report in reports:
                target = next(left).target
                yield report | {"output": str(target) if target else None}
        if engine.deaths > deaths:
            _tidy(tasks)

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


@dataclass(frozen=True)
class _Share:
    """Some of the cases, as they go to a process at work."""

    template: str
    flavour: Flavour
    force: bool
    card: str | None
    tasks: tuple[Task, ...]


def _write(share: _Share) -> list[dict[str, Any]]:
    """Write the workbooks of some cases, with the tables of the process that started this one."""
    with rate_card.using(Path(share.card) if share.card else None):
        run = _compiled(share.template, share.flavour, share.force, share.card, threading.get_ident())
        return [run.one(task) for task in share.tasks]


@lru_cache(maxsize=8)
def _compiled(template: str, flavour: Flavour, force: bool, _card: str | None, _thread: int) -> Run:
    """What a thread at work does once: it compiles the template."""
    return Run(layout.load(template), flavour, force)


def _absolute(task: Task) -> Task:
    """A task for a process that may work in another folder."""
    return replace(task, target=task.target.absolute() if task.target else None)


def _tidy(tasks: Sequence[Task]) -> None:
    """Remove what processes that were killed had begun beside their targets."""
    for target in (task.target for task in tasks):
        for begun in target.parent.glob(f".{glob.escape(target.stem)}-*.tmp") if target else ():
            begun.unlink(missing_ok=True)


def _batched(items: Iterable[Task], size: int) -> Iterator[list[Task]]:
    """Lists of so many items, the last perhaps shorter."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some
