"""The named functions in any workbook: which it can hold, which are in the way, and writing them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xl_econ import __version__
from xl_econ.hosts import names as host
from xl_econ.metrics import REGISTRY
from xl_econ.tables.table import Table
from xl_econ.workbook import added as extending
from xl_econ.workbook.added import TableSheet
from xl_econ.workbook.defined import Defined, defined, with_names
from xl_econ.workbook.parts import WORKBOOK, Parts
from xl_econ.workbook.patch import computing_on_load
from xl_econ.workbook.sheet import encoding

_MARK = "xl-econ "  # begins the comment of a name of ours
# How a function of ours ends, whatever its version and whoever wrote the file: Excel keeps no mark of XlsxWriter's.
_ENDING = re.compile(r"_xlfn\.LAMBDA\(.*IF\(_xlpm\.typed,SQRT\(-1\),VALUE\(.*", re.S)


@dataclass
class Plan:
    """What becomes of the named functions of a workbook.

    Attributes:
        added: Functions that the workbook gets.
        replaced: Functions of ours with another text, as of another version, that are written anew.
        kept: Functions that it has as they are.
        removed: Functions of ours that are taken out.
        conflicts: What stands in the way, by function or table; nothing of it is touched.
        missing: The tables that a function reads and the workbook does not hold, by function.
        tables: Tables that are added with a sheet each.
        calls: How many cells call a function that is removed.
    """

    added: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    conflicts: dict[str, str] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def is_change(self) -> bool:
        return bool(self.added or self.replaced or self.removed or self.tables)


class Book:
    """A workbook that gets or loses the named functions.

    Args:
        path: The workbook, .xlsx or .xlsm.

    Raises:
        WorkbookError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.parts = Parts(path)
        data = self.parts.read(WORKBOOK)
        self._encoding = encoding(data)
        self.part = data.decode(self._encoding)
        self.defined = defined(self.part)
        self.areas = _areas(self.parts)
        self._new: list[Defined] = []
        self._sheets: list[TableSheet] = []

    def install(self, tables: bool = False) -> Plan:
        """Plan every function whose tables the workbook holds.

        Args:
            tables: Add the tables that are missing, as they are in use.
        """
        plan, held = Plan(), set(self.areas)
        wanted = sorted(REGISTRY.values(), key=lambda m: m.name)
        if tables:
            for table in sorted({t for m in wanted for t in m.tables}, key=lambda t: t.sheet):
                if why := self._in_the_way_of(table):
                    plan.conflicts[table.sheet] = why
                elif _key(table.sheet) not in held:
                    plan.tables.append(table.sheet)
                    self._sheets.append(_sheet(table))
        self._sheets.sort(key=lambda s: s.name)
        ready = {_key(s.name) for s in self._sheets}
        for m in wanted:
            lacking = [w for t in sorted(m.tables, key=lambda t: t.sheet) if (w := self._lacking(t, ready))]
            if lacking:
                plan.missing[m.name] = lacking
            else:
                self._place(host.name(m), plan)
        return plan

    def remove(self) -> Plan:
        """Plan the removal of every function of ours."""
        plan = Plan(removed=[d.name for d in self.defined if d.scope is None and _is_ours(d)])
        plan.calls = self._calls(plan.removed)
        return plan

    def write(self, plan: Plan, target: Path) -> None:
        """Write the workbook as planned; without a change only if it goes elsewhere.

        Raises:
            WorkbookError: It cannot be written; what was there is untouched.
        """
        if not plan.is_change and target.resolve() == self.parts.path.resolve():
            return
        part, extension = extending.with_tables(self.parts, self.part, self._sheets)
        if plan.is_change:
            part = computing_on_load(with_names(part, self._new, [*plan.replaced, *plan.removed]))
        changed = {**extension.changed, WORKBOOK: part.encode(self._encoding)}
        extending.write(self.parts, target, changed, extension.added)

    def _place(self, function: host.Name, plan: Plan) -> None:
        """Decide about one function: what of its name is in the workbook."""
        same = [d for d in self.defined if _key(d.name) == _key(function.name)]
        content = function.file_formula.removeprefix("=")
        others = [d for d in same if d.scope is not None or not _is_ours(d)]
        if _key(function.name) in self.areas:
            plan.conflicts[function.name] = f"an Excel Table on {self.areas[_key(function.name)][0]} has this name"
        elif others:
            plan.conflicts[function.name] = self._where(others[0])
        elif same and same[0].content == content:
            plan.kept.append(function.name)
        else:
            (plan.replaced if same else plan.added).append(function.name)
            comment = f"{_MARK}{__version__}: {function.comment}"[: host.COMMENT_LIMIT]
            self._new.append(Defined(function.name, content, comment))

    def _where(self, d: Defined) -> str:
        text = d.content if len(d.content) <= 60 else d.content[:57] + "..."
        titles = _titles(self.part)
        of = "" if d.scope is None else f" on {titles[d.scope] if d.scope < len(titles) else 'a sheet'}"
        return f"a name {d.name}{of} is there already: ={text}"

    def _in_the_way_of(self, table: Table) -> str:
        """Why a table cannot be added; nothing where it is there, whole, or can be."""
        if found := self.areas.get(_key(table.sheet)):
            lacking = [c for c in table.columns if c not in found[1]]
            return f"the table on {found[0]} lacks {', '.join(lacking)}" if lacking else ""
        clash = [d for d in self.defined if _key(d.name) == _key(table.sheet)]
        return self._where(clash[0]) if clash else ""

    def _lacking(self, table: Table, ready: set[str]) -> str:
        """What a table needs for the functions that read it."""
        if _key(table.sheet) in ready:
            return ""
        if (found := self.areas.get(_key(table.sheet))) is None:
            return table.sheet
        lacking = [c for c in table.columns if c not in found[1]]
        if lacking:
            return f"{table.sheet}: column {', '.join(lacking)}"
        order = [c for c in found[1] if c in table.columns]
        return "" if order == list(table.columns) else f"{table.sheet}: the columns in the order of xl-econ tables"

    def _calls(self, functions: Sequence[str]) -> dict[str, int]:
        if not functions:
            return {}
        call = re.compile(rf"(?<![\w.!])({'|'.join(map(re.escape, functions))})\(", re.I)
        known, counts = {_key(f): f for f in functions}, dict.fromkeys(functions, 0)
        for _, stored in self.parts.formulas():
            for name in {_key(n) for n in call.findall(stored.formula)}:
                counts[known[name]] += 1
        return {name: n for name, n in counts.items() if n}


def _key(name: str) -> str:
    return name.casefold()


def _is_ours(d: Defined) -> bool:
    return d.plain and (d.comment.startswith(_MARK) or _ENDING.fullmatch(d.content) is not None)


def _sheet(table: Table) -> TableSheet:
    units = ["" if (u := table.unit(c)) in ("text", "any") else u for c in table.columns]
    rows = [[getattr(row, c) for c in table.columns] for row in table.rows.values()]
    return TableSheet(table.sheet, table.about[0].upper() + table.about[1:], units, table.columns, rows)


def _titles(part: str) -> list[str]:
    return [html.unescape(t) for t in re.findall(r"""<(?:[\w.-]+:)?sheet\s[^>]*?\bname\s*=\s*["']([^"']*)["']""", part)]


def _areas(book: Parts) -> dict[str, tuple[str, list[str]]]:
    """The Excel Tables by name in small letters: sheet, and headings in order."""
    found = [area for sheet in book.parts for area in book.tables(sheet)]
    return {_key(name): (sheet, list(columns.values())) for name, sheet, columns, _ in found}
