"""A workbook that was built from a template and then edited: its inputs found by name, and filled where they stand.

Sheets may have been renamed, rows and columns inserted, sheets, charts and macros added: names move with their cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from xl_econ.core.errors import InputError, NotAvailable, WorkbookError
from xl_econ.core.quantity import clean, number_from_text
from xl_econ.tables import store
from xl_econ.workbook.cell import At, Value, address, cell_at
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.read import Address

from . import front, layout, stamp
from .fill import TEXTS, Case
from .layout import CASES, Input, Origin

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
        """The template that the workbook says it was built from: by its cell, else by the document properties."""
        found = None
        if at := self.book.cell_of("xl_econ.template"):
            found = stamp.from_cover(str(self.book.value(*at) or ""))
        if found is None or not found.inputs:
            try:
                said = stamp.from_comment(self.book.read(_PROPERTIES).decode("utf-8", "replace"))
            except WorkbookError:
                said = None
            found = said if found is None or (said and said.template == found.template) else found
        if found is None or not any(n.casefold().startswith("inputs.") for n in self.book.names):
            raise WorkbookError(f"{self.path}: was not built from a template of xl-econ (xl-econ new lists them)")
        return found

    # -- where inputs stand -------------------------------------------------------------------------------------
    def named(self, name: str) -> Address:
        """The cell of a name.

        Raises:
            WorkbookError: The name is not there, or its cell was deleted.
        """
        found = self.book.cell_of(name)
        if found is None:
            lost = any(n.casefold() == name.casefold() for n in self.book.names)
            reason = "leads to no cell; was its row or column deleted?" if lost else "is not there; was it deleted?"
            raise WorkbookError(f"{self.path}: the name {name} {reason}")
        return found

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
        if self.book.value(*at) not in (key, None):
            raise WorkbookError(
                f"{self.path}: {at[0]}!{at[1]} says {self.book.value(*at)!r} where the name inputs.{key} leads; "
                "were rows sorted or moved?"
            )

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
        value = self.book.value(*at)
        if isinstance(value, float):
            return repr(value).removesuffix(".0")  # 2026 was typed where a text is meant
        return "" if value is None else str(value)

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
                    self._change(found, at, key, which, after)
            origin = case.origins.get(key, Origin(source="Given without a source"))
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

    def _change(self, found: list[Change], at: Address, key: str, case: str, after: Value) -> None:
        before = self.book.value(*at)
        if before == after or (before in ("", None) and after in ("", None)):
            return
        if self.book.formula(*at) is not None:
            raise WorkbookError(f"{at[0]}!{at[1]}: {key} is a formula there; type a value over it before it is filled")
        found.append(Change(at, key, case, before, after))

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
