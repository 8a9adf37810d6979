"""A workbook that was built from a template and then edited: its inputs found by name, and filled where they stand.

Sheets may have been renamed, rows and columns inserted, sheets, charts and macros added: names move with their cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any

from xl_econ.core.errors import InputError, NotAvailable, WorkbookError
from xl_econ.core.provenance import UNSOURCED
from xl_econ.core.quantity import clean, number_from_text
from xl_econ.tables import store
from xl_econ.workbook.cell import At, Value, address, cell_at
from xl_econ.workbook.grid import Grid
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.read import Address
from xl_econ.workbook.references import may_read

from . import front, layout, merge, pristine, stamp
from .fill import TEXTS, Case
from .held import tables_hash
from .layout import CASES, Input, Origin
from .parts import RESERVED

ENDINGS = (".xlsx", ".xlsm")
_PROPERTIES = "docProps/core.xml"
_ORIGIN = ("source", "as_of", "grade")


def is_workbook(name: str) -> bool:
    """Whether what a command was given is a workbook, and not the name of a template."""
    return Path(name).suffix.casefold() in ENDINGS


@dataclass(frozen=True)
class Change:
    """A cell that a case changes."""

    at: Address
    key: str
    case: str
    before: Value
    after: Value

    @property
    def where(self) -> str:
        return f"{self.at[0]}!{self.at[1]}"


class Edited:
    """A workbook of a template, as its user left it.

    Args:
        path: The workbook.

    Raises:
        WorkbookError: It cannot be read, or it was not built from a template that is known here.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.casefold() not in ENDINGS:
            raise WorkbookError(f"{path}: not an .xlsx or .xlsm workbook")
        self.path = path
        self.book = Parts(path)
        self.stamp = self._stamp()
        if self.stamp.template not in layout.names():
            known = ", ".join(layout.names())
            raise WorkbookError(f"{path}: built from the template {self.stamp.template!r}; known here are {known}")
        self.layout = layout.load(self.stamp.template)

    def _stamp(self) -> stamp.Stamp:
        """What the workbook says it was built and filled from: on its Cover, else in the document properties."""
        found = self.in_properties
        at = self.book.cell_of("xl_econ.template")
        shown = stamp.from_cover(str(self.book.value(*at) or "")) if at else None
        if shown:
            said = {what: str(self.book.value(*cell) or "") for what, cell in self._hashes().items()}
            known = found if found and found.template == shown.template else shown
            found = replace(known, **{what: text for what, text in said.items() if text})
        if found is None or not any(n.casefold().startswith("inputs.") for n in self.book.names):
            raise WorkbookError(f"{self.path}: was not built from a template of xl-econ (xl-econ new lists them)")
        return found

    @cached_property
    def in_properties(self) -> stamp.Stamp | None:
        """The stamp in the document properties, which are as old as the workbook; None where there is none."""
        try:
            return stamp.from_comment(unescape(self.properties))
        except WorkbookError:
            return None

    @property
    def properties(self) -> str:
        """The document properties.

        Raises:
            WorkbookError: There are none.
        """
        return self.book.read(_PROPERTIES).decode("utf-8", "replace")

    def _hashes(self) -> dict[str, Address]:
        """The cells of the Cover that show the hashes."""
        found = {what: self.book.cell_of(f"xl_econ.{what}_hash") for what in stamp.HASHES}
        return {what: at for what, at in found.items() if at}

    # -- what it says of itself ---------------------------------------------------------------------------------
    @cached_property
    def grid(self) -> Grid:
        """The workbook read for comparing."""
        return Grid(self.path)

    def edits(self) -> int | None:
        """How many cells of the template were edited; None where the workbook does not say what it was."""
        base = pristine.read(self.path)
        if base is not None:
            return merge.edits(base, self.grid)
        return None

    def stamped(self, changes: Mapping[Address, Value] | None = None) -> stamp.Stamp:
        """The stamp that is true of the workbook, with other values in some cells.

        Raises:
            WorkbookError: An input is not there any more.
        """
        new = changes or {}

        def held(at: Address) -> Value:
            return new.get(at, self.book.value(*at))

        def checked(key: str, at: Address) -> Any:
            try:
                return self._checked(self.layout.by_key[key], at, held(at))
            except (LookupError, InputError, NotAvailable):
                return held(at)  # a hash says what is there, good or bad, and of this version or another

        keys = {n.partition(".")[2] for n in self.book.names if n.casefold().startswith("inputs.")}
        there = [k for k in keys if k.casefold() not in RESERVED and self.book.cell_of(f"inputs.{k}")]
        values = {case: {key: checked(key, self.beside(key, case)) for key in there} for case in self.cases}
        origins = {}
        for key in there:
            said = {
                what: _text(held(self.beside(key, what))) for what in _ORIGIN if self.book.cell_of(f"inputs.{what}")
            }
            origins[key] = Origin.model_construct(None, **{"source": "", "as_of": "", "grade": "D"} | said)
        texts = {key: _text(held(self.named(f"inputs.{key}"))) for key in TEXTS}
        tables = tables_hash(self.grid, self.layout, new)
        inputs_hash = stamp.hash_of(values, origins, _text(held(self.named("inputs.case"))), texts, tables)
        return replace(self.stamp, inputs=inputs_hash, tables=tables)

    def restamped(self, changes: Mapping[Address, Value]) -> dict[Address, Value]:
        """The cells of the Cover that say what the workbook holds after some changes.

        The document properties are not of this: filling leaves every part but the sheets as it is.

        Raises:
            WorkbookError: An input is not there any more.
        """
        return self.saying(self.stamped(changes))

    def saying(self, now: stamp.Stamp) -> dict[Address, Value]:
        """The cells of the Cover that differ with another stamp."""
        shown = {at: getattr(now, what) for what, at in self._hashes().items() if getattr(now, what)}
        if at := self.book.cell_of("xl_econ.template"):
            shown[at] = now.line
        return {at: v for at, v in shown.items() if self.book.value(*at) != v and self.book.formula(*at) is None}

    def properties_of(self, now: stamp.Stamp) -> dict[str, bytes]:
        """The document properties with another stamp, if they differ with it."""
        try:
            core = self.properties
        except WorkbookError:
            return {}
        fresh = stamp.properties(core, now)
        return {_PROPERTIES: fresh.encode()} if fresh != core else {}

    # -- where inputs stand -------------------------------------------------------------------------------------
    def named(self, name: str) -> Address:
        """The cell of a name.

        Raises:
            WorkbookError: The name is not there, or its cell was deleted.
        """
        found = self.book.cell_of(name)
        if found is None:
            raise WorkbookError(f"{self.path}: the name {name} {self._lost(name)}")
        return found

    def _lost(self, name: str) -> str:
        text = self.book.refers_to(name)
        if text is None and name.casefold() in self.book.scoped:
            return "is one of a single sheet; make it one of the workbook"
        if text is None:
            return "is not there; was it deleted?"
        if "#REF!" in text:
            return "leads to no cell; was its row, column or sheet deleted?"
        shown = text if len(text) <= 60 else text[:57] + "..."
        return f"stands for {shown}, which is not one cell of this workbook"

    def beside(self, key: str, column: str) -> Address:
        """The cell of an input in a named column: that of a case, of the source, and so on.

        Raises:
            WorkbookError: A name is not there, or the row is not the input's any more.
        """
        (sheet, live), (other, heading) = self.named(f"inputs.{key}"), self._heading(column)
        if sheet != other:
            raise WorkbookError(f"{self.path}: inputs.{key} is on the sheet {sheet}, its columns are on {other}")
        return sheet, address(At(cell_at(live).row, cell_at(heading).column))

    def _heading(self, column: str) -> Address:
        """The heading of a case's column, or of one with a name of its own."""
        if self.book.cell_of("inputs.first_case") and column in self.cases:
            return self.named("inputs.first_case")[0], address(self.cases[column])
        return self.named(f"inputs.{column}")

    @cached_property
    def cases(self) -> dict[str, At]:
        """The headings of the cases, by name: the template's own three, or those that the workbook was filled with.

        Raises:
            WorkbookError: A name is not there, or two columns have one heading.
        """
        if self.book.cell_of("inputs.first_case") is None:
            return {case: cell_at(self.named(f"inputs.{case}")[1]) for case in CASES}
        (sheet, first), (_, last) = self.named("inputs.first_case"), self.named("inputs.last_case")
        row, found = cell_at(first).row, {}
        for column in range(cell_at(first).column, cell_at(last).column + 1):
            name = self._text((sheet, address(At(row, column))))
            if name in found:
                raise WorkbookError(f"{self.path}: {sheet}!{address(At(row, column))}: two cases are called {name!r}")
            if name:
                found[name] = At(row, column)
        return found

    def _verify(self, key: str) -> None:
        """The Key column must say what the name says: a sorted or moved row is told from the one it was."""
        if self.book.cell_of("inputs.key") is None:
            return
        at = self.beside(key, "key")
        if self.book.value(*at) != key:
            says = "is empty" if self.book.value(*at) is None else f"says {self.book.value(*at)!r}"
            raise WorkbookError(
                f"{self.path}: {at[0]}!{at[1]} {says} where the name inputs.{key} leads; were rows sorted or moved?"
            )

    def _refuse_unread(self, key: str, at: Address) -> None:
        """The live cell must read the case's cell: a value put where nothing reads it would change no result."""
        live = self.named(f"inputs.{key}")
        text = self.book.formula(*live)
        if text == "" or at == live:  # the formula of a neighbour, filled downwards
            return
        if text is None or not may_read(text, cell_at(at[1]), at[0], self.book.names):
            where = f"{live[0]}!{live[1]}"
            why = "was the cell moved?" if text else "a value was typed over its formula"
            raise WorkbookError(f"{self.path}: {where} does not read {at[0]}!{at[1]} ({key}): {why}")

    # -- what they hold -----------------------------------------------------------------------------------------
    def read(self, name: str = "") -> Case:
        """The case that the workbook holds.

        Raises:
            InputError: A cell holds what its input cannot take; says which.
            WorkbookError: An input is not there any more.
        """
        values: dict[str, dict[str, Any]] = {case: {} for case in self.cases}
        origins = {}
        for key, i in self.layout.by_key.items():
            self._verify(key)
            for case in self.cases:
                at = self.beside(key, case)
                values[case][key] = self._checked(i, at, self.book.value(*at))
            said = {what: self._text(self.beside(key, what)) for what in _ORIGIN if self.book.cell_of(f"inputs.{what}")}
            grade = said.get("grade", "")
            if grade and grade not in "ABCD":
                sheet, cell = self.beside(key, "grade")
                raise InputError(f"{sheet}!{cell}: grade = {grade!r}: A, B, C or D")
            origins[key] = Origin.model_validate({"source": ""} | {k: v for k, v in said.items() if v})
        texts = {key: self._text(self.named(f"inputs.{key}")) for key in TEXTS}
        at = self.named("inputs.case")
        selected = self._text(at)
        if selected not in self.cases:
            raise InputError(f"{at[0]}!{at[1]}: no case {selected!r}; there are {', '.join(self.cases)}")
        held = {k: v for k, v in texts.items() if v}
        return Case(name or self.path.stem, selected, values, held, origins, True, tuple(self.cases))

    def _text(self, at: Address) -> str:
        return _text(self.book.value(*at))

    def _checked(self, i: Input, at: Address, value: Any) -> Any:
        """A value as its input takes it; an error names the cell."""
        where = f"{at[0]}!{at[1]}: {i.key}"
        if isinstance(value, str) and not i.kind.is_text:
            value = number_from_text(value)
        elif isinstance(value, float) and i.kind.is_text:
            value = repr(value).removesuffix(".0")
        value = clean(where, i.kind, value)
        return self._in_table(i, where, value) if i.table else value

    def _in_table(self, i: Input, where: str, value: Any) -> Any:
        """The key of a table's row; a row that the user added to the table in the workbook is as good as ours."""
        t = store.get(str(i.table))
        try:
            return t.find(value)
        except NotAvailable as e:
            keys = self.book.column(t.sheet, t.key)
            for key in keys:
                if str(key).casefold() == str(value).casefold():
                    return key
            raise InputError(f"{where} = {value!r}: {e}") from None

    # -- what a case changes ------------------------------------------------------------------------------------
    def changes(self, case: Case) -> list[Change]:
        """The cells that a case changes; what the case does not give stays.

        Raises:
            InputError: A value that its input cannot take; names the cell.
            WorkbookError: An input is not there any more, or holds a formula.
        """
        found: list[Change] = []
        given = {key for values in case.values.values() for key in values}
        for key in (k for k in self.layout.by_key if k in given):
            self._verify(key)
            for which in self.cases:
                if key in case.values.get(which, {}):
                    at = self.beside(key, which)
                    after = self._checked(self.layout.by_key[key], at, case.values[which][key])
                    if self._change(found, at, key, which, after):
                        self._refuse_unread(key, at)
            origin = case.origins.get(key, Origin(source=UNSOURCED))
            for what in _ORIGIN:
                if self.book.cell_of(f"inputs.{what}"):
                    self._change(found, self.beside(key, what), key, what, getattr(origin, what) or None)
        for key, text in case.texts.items():
            self._change(found, self.named(f"inputs.{key}"), key, "", text or None)
        if case.chosen:
            self._change(found, self.named("inputs.case"), "case", "", case.selected)
        if given_at := self.book.cell_of("xl_econ.given"):
            own = [k for k in self.layout.by_key if k not in given and self._is_own(k)]
            self._change(found, given_at, "given", "", front.given(self.layout, own))
        return found

    def _change(self, found: list[Change], at: Address, key: str, case: str, after: Value) -> bool:
        before = self.book.value(*at)
        if before == after or (before in ("", None) and after in ("", None)):
            return False
        if self.book.formula(*at) is not None:
            raise WorkbookError(f"{at[0]}!{at[1]}: {key} is a formula there; type a value over it before it is filled")
        found.append(Change(at, key, case, before, after))
        return True

    def _is_own(self, key: str) -> bool:
        """Whether an input still is the template's own: its source is."""
        if not self.book.cell_of("inputs.source"):
            return False
        return self._text(self.beside(key, "source")) == self.layout.by_key[key].source

    # -- results ------------------------------------------------------------------------------------------------
    def named_results(self) -> dict[str, Address]:
        """The cells of the results that still have their name."""
        found = {r.key: self.book.cell_of(f"results.{r.key}") for r in self.layout.results}
        return {key: at for key, at in found.items() if at}

    def results(self, computed: Mapping[Address, Value]) -> dict[str, Value]:
        """The key results, fresh where they were computed and else as they are stored."""
        cells = self.named_results()
        return {k: computed.get(cells[k], self.book.value(*cells[k])) for k in self.layout.headline if k in cells}

    def checks(self, computed: Mapping[Address, Value]) -> str:
        """What the master check says."""
        at = self.book.cell_of("xl_econ.checks")
        return "" if at is None else str(computed.get(at, self.book.value(*at)))


def _text(value: Value) -> str:
    if isinstance(value, float):
        return repr(value).removesuffix(".0")  # 2026 was typed where a text is meant
    return "" if value is None else str(value)
