"""A template's workbook compiled for filling: built once, then only the cells that a case decides are written anew.

The result is what `build` gives, but for this: texts of inputs stand in their cells and not among the shared texts, and
rows keep the height that the template's own sources need.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from xl_econ.workbook.cell import At, Value, cell_at, number, storable, written
from xl_econ.workbook.package import LEVEL, Framed, deflated, end, headers, placed
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.sheet import Cell, SheetXml
from xl_econ.workbook.write import replacing

from . import front, sheets, stamp
from .build import Flavour, build
from .compute import Calculator, Computed
from .layout import CASES, Layout
from .model import Model
from .parts import CALCULATION, CHECKS, COLUMNS, FUNCTIONS, INPUTS, LIVE, RESULTS, SELECTOR_ROW, InputRow, Line

_CORE = "docProps/core.xml"
Slot = Callable[[Computed], Value]


class Blank:
    """A workbook of a template with holes where a case's values go.

    Args:
        layout: The template.
        flavour: Of its workbook.
        level: Compression of what a case decides.
    """

    def __init__(self, layout: Layout, flavour: Flavour = "plain", level: int = LEVEL) -> None:
        self.layout, self.flavour, self._level = layout, flavour, level
        self.calculator = Calculator(layout)
        self.stamp = stamp.of_model(self.calculator.model, flavour, {})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "blank.xlsx")
            # A text in each cell that can hold one, so that every such cell exists with its style.
            build(self.calculator.model, path, flavour)
            self._read(path)

    def _read(self, path: Path) -> None:
        book = Parts(path)
        slots: dict[str, dict[At, Slot]] = {}
        for name, cell, slot in _slots(self.calculator, self.flavour, book, self.hash_of):
            slots.setdefault(book.parts[name], {})[cell_at(cell)] = slot
        names = {part: sheet for sheet, part in book.parts.items()}
        with zipfile.ZipFile(path) as package:
            infos = package.infolist()
            # Parts that stay are ready to be written; those with holes are made for each case.
            self._ready: list[tuple[bytes, bytes] | zipfile.ZipInfo] = []
            self._frames: dict[str, Framed] = {}
            self._holes: dict[str, list[str | Callable[[Computed], str]]] = {}
            for info in infos:
                content = package.read(info)
                if info.filename in slots:
                    sheet = SheetXml(content, names[info.filename])
                    self._holes[info.filename] = list(_with_holes(sheet, slots[info.filename]))
                elif info.filename.startswith("xl/charts/chart"):
                    self._holes[info.filename] = list(self._chart(content.decode()))
                elif info.filename == _CORE:
                    self._holes[info.filename] = list(self._core(content.decode()))
                if pieces := self._holes.get(info.filename):
                    self._frames[info.filename] = Framed(str(pieces[0]).encode(), str(pieces[-1]).encode(), self._level)
                    self._holes[info.filename] = pieces[1:-1]
                    self._ready.append(info)
                else:
                    packed = deflated(content)
                    local, central = headers(info, info.CRC, (len(packed), len(content)))
                    self._ready.append((local + packed, central))

    def _chart(self, text: str) -> Iterator[str | Callable[[Computed], str]]:
        """A chart with the values that its series show; they are what a viewer draws before it computes anything."""
        keys = {5 + n: r.key for n, r in enumerate(self.layout.results)}
        series = re.compile(rf"<c:f>{RESULTS}!\$E\$(\d+):\$G\$\1</c:f>(<c:numCache>.*?</c:numCache>)", re.S)
        point = re.compile(r'(<c:pt idx="(\d)"><c:v>)[^<]*')
        done = 0
        for found in series.finditer(text):
            key = keys.get(int(found[1]))
            for p in point.finditer(text, *found.span(2)) if key else ():
                yield text[done : p.end(1)]
                yield lambda c, key=str(key), case=CASES[int(p[2])]: str(c.values[case][key])  # type: ignore[misc]
                done = p.end()
        yield text[done:]

    def _core(self, text: str) -> Iterator[str | Callable[[Computed], str]]:
        before, mark, after = re.split(r"(, inputs )[0-9a-f]+", text, maxsplit=1)
        yield before + mark
        yield self.hash_of
        yield after

    def hash_of(self, c: Computed) -> str:
        """The hash of all that fills the workbook of a computed case."""
        return stamp.hash_of(c.values, c.origins, c.selected, c.texts, self.stamp.tables)

    def filled(self, part: str, c: Computed) -> bytes:
        """What stands between the beginning and the end of a part, which all cases share."""
        return "".join([p if isinstance(p, str) else p(c) for p in self._holes[part]]).encode()

    @property
    def changing(self) -> list[str]:
        """The parts that a case decides."""
        return list(self._holes)

    def whole(self, part: str, c: Computed) -> bytes:
        """All of such a part."""
        return self._frames[part].head + self.filled(part, c) + self._frames[part].tail

    def content(self, c: Computed) -> bytes:
        """The bytes of the workbook of a computed case."""
        out, directory, at = [], [], 0
        for part in self._ready:
            if isinstance(part, tuple):
                body, central = part
            else:
                packed, crc, length = self._frames[part.filename].packed(self.filled(part.filename, c))
                local, central = headers(part, crc, (len(packed), length))
                body = local + packed
            out.append(body)
            directory.append(placed(central, at))
            at += len(body)
        return b"".join([*out, end(directory, at)])

    def write(self, c: Computed, path: Path, force: bool = False) -> None:
        """Write the workbook of a computed case.

        Raises:
            WorkbookError: The file cannot be written.
        """
        content = self.content(c)
        with replacing(path, force, made_here=True) as beside:
            beside.write_bytes(content)


def _with_holes(sheet: SheetXml, slots: Mapping[At, Slot]) -> Iterator[str | Callable[[Computed], str]]:
    """A worksheet cut at the cells of the slots."""
    done = 0
    for cell in sheet.cells():
        if slot := slots.get(cell.at):
            yield sheet.text[done : cell.span.start]
            yield _hole(sheet, cell, slot)
            done = cell.span.end
    yield sheet.text[done:]


def _hole(sheet: SheetXml, cell: Cell, slot: Slot) -> Callable[[Computed], str]:
    tag = re.sub(r' t="\w+"', "", sheet.text[cell.span.start : cell.span.inside]).removesuffix(">").removesuffix("/")
    formula = re.search(r"<f[ >].*?</f>", sheet.text[cell.span.inside : cell.span.close], re.S)
    if formula:
        plain, typed = f"{tag}>{formula[0]}<v>", formula[0]

        def result(c: Computed) -> str:
            value = slot(c)
            if type(value) is float:
                return f"{plain}{value!r}</v></c>"
            if value == "":  # as the builder writes it
                return f"{plain}</v></c>"
            if isinstance(value, str):
                kind, content = _result(value)
                return f"{tag}{kind}>{typed}{content}</c>"
            return f"{plain}{value}</v></c>"

        return result

    def given(c: Computed) -> str:
        value = slot(c)
        if type(value) is float:
            return f"{tag}><v>{number(value)}</v></c>"
        if value in ("", None):
            return f"{tag}/>"
        if isinstance(value, str):
            return f"{tag}{_inline(value)}</c>"
        return f"{tag}><v>{value}</v></c>"

    return given


@lru_cache(10_000)
def _inline(text: str) -> str:
    """A text in its cell; the same sources stand in every workbook of a run."""
    return f' t="inlineStr"><is><t xml:space="preserve">{storable(text, "a text")}</t></is>'


@lru_cache(10_000)
def _result(text: str) -> tuple[str, str]:
    return written("", text, True, "a text")


def _slots(calculator: Calculator, flavour: Flavour, book: Parts, hash_of: Slot) -> Iterator[tuple[str, str, Slot]]:
    """Every cell that a case decides, with what it holds."""
    model, layout = calculator.model, calculator.layout

    def selected(c: Computed) -> Value:
        return c.selected

    def text(key: str) -> Slot:
        return lambda c: c.texts.get(key, "")

    yield INPUTS, f"D{SELECTOR_ROW}", selected
    yield INPUTS, f"D{sheets.CASE_NUMBER_ROW}", lambda c: float(CASES.index(c.selected) + 1)
    yield from _input_slots(model)
    lines = [x for x in model.lines if isinstance(x, Line)]
    for line in lines:
        for case, column in COLUMNS.items():
            yield CALCULATION, f"{column}{line.row}", _value(line.key, case)
    for row, r in enumerate(layout.results, 5):
        for case, column in COLUMNS.items():
            yield RESULTS, f"{column}{row}", _value(r.key, case)
    if flavour == "lambda":
        for row, line in enumerate((x for x in lines if x.metric), 5):
            yield FUNCTIONS, f"D{row}", _value(line.key, LIVE)
            yield FUNCTIONS, f"E{row}", _value(line.key, LIVE)
    yield from _check_slots(calculator, book)

    def master(c: Computed) -> Value:
        return master_text(calculator, c)

    yield CHECKS, "C3", master
    for name, slot in (
        ("xl_econ.inputs_hash", hash_of),
        ("inputs.purpose", text("purpose")),
        ("inputs.owner", text("owner")),
        ("xl_econ.given", lambda c: front.given(layout, c.own)),
    ):
        if at := book.cell_of(name):
            yield *at, slot
    yield "Cover", "C7", selected
    for row, key in enumerate(layout.headline, 10):
        yield "Cover", f"C{row}", _value(key, LIVE)
    yield "Cover", f"C{11 + len(layout.headline)}", master


def _value(key: str, case: str) -> Slot:
    return lambda c: c.values[case][key]


def _origin(key: str, what: str) -> Slot:
    return lambda c: getattr(c.origins[key], what)


def _input_slots(model: Model) -> Iterator[tuple[str, str, Slot]]:
    """The inputs with their sources, which the sheet of sources shows once more."""
    source_row = front.FIRST_SOURCE_ROW
    for x in model.inputs:
        if isinstance(x, InputRow):
            for case, column in COLUMNS.items():
                yield INPUTS, f"{column}{x.row}", _value(x.input.key, case)
            for what, column, shown in zip(("source", "as_of", "grade"), "KLM", "CDE", strict=True):
                yield INPUTS, f"{column}{x.row}", _origin(x.input.key, what)
                yield "Sources", f"{shown}{source_row}", _origin(x.input.key, what)
            source_row += 1


def _check_slots(calculator: Calculator, book: Parts) -> Iterator[tuple[str, str, Slot]]:
    """The figures of the checks, found by their labels; the structural ones never change."""
    rows: dict[Any, int] = {}
    for cell in book.sheet(CHECKS).cells():
        if cell.at.column == 2:
            rows.setdefault(book.sheet(CHECKS).stored(cell, book.shared), cell.at.row)
    for n, check in enumerate(calculator.model.checks):
        row = rows[check.label]
        for case in check.values:
            yield CHECKS, f"{COLUMNS[case]}{row}", lambda c, n=n, case=case: c.checks[n][case]  # type: ignore[misc]
        yield CHECKS, f"J{row}", lambda c, n=n: flag(calculator, c, n)  # type: ignore[misc]


def flag(calculator: Calculator, c: Computed, n: int) -> int:
    """1 if a check's figure is out of its bounds in any case."""
    check = calculator.model.checks[n]
    return 0 if all(check.low <= v <= check.high for v in c.checks[n].values()) else 1


def master_text(calculator: Calculator, c: Computed) -> str:
    """What the master check says."""
    checks = enumerate(calculator.model.checks)
    failed = sum(flag(calculator, c, n) for n, check in checks if check.severity == "check")
    return f"Checks failed: {failed}" if failed else "All checks pass"
