"""A workbook with an edit in it: cells written anew, parts changed, everything recomputed as Excel would, and saved.

The package is patched, because loading and saving it would lose more than any analyst's edit does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xl_econ.workbook.cell import At, address, cell_at
from xl_econ.workbook.engines import ironcalc
from xl_econ.workbook.package import rewrite
from xl_econ.workbook.parts import WORKBOOK, Parts
from xl_econ.workbook.sheet import SheetXml, Written

Address = tuple[str, str]
STYLES, TYPES, LINKS = "xl/styles.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"
_UNKNOWN = ("#NAME?", "#N/IMPL!", "#ERROR!")


def computed(path: Path) -> dict[Address, Any]:
    """What the engine computes for every formula cell."""
    return {(sheet, address(At(row, column))): value for sheet, row, column, value in ironcalc(path).found}


def same(a: Any, b: Any, tolerance: float = 1e-9) -> bool:
    """Whether two values agree as an output."""
    if isinstance(a, bool) or isinstance(b, bool) or not (isinstance(a, int | float) and isinstance(b, int | float)):
        return ("" if a is None else a) == ("" if b is None else b)
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-300)


@dataclass
class Draft:
    """An edit of a workbook that is not yet saved.

    Attributes:
        cells: Cells written anew.
        texts: What is done to the text of parts, in order.
        added: New parts.
        stale: Whether the stored values stay as they were.
    """

    path: Path
    cells: dict[Address, Written] = field(default_factory=dict)
    texts: list[tuple[str, Callable[[str], str]]] = field(default_factory=list)
    added: dict[str, bytes] = field(default_factory=dict)
    stale: bool = False

    def put(self, sheet: str, at: str, content: Any, style: str = "", is_array: bool = False) -> None:
        """Type into a cell: a text that begins with "=" is a formula."""
        if isinstance(content, str) and content.startswith("="):
            self.cells[sheet, at] = Written(0, content[1:], style, is_array)
        else:
            self.cells[sheet, at] = Written(content, None, style)

    def text(self, part: str, pattern: str, new: str | Callable[[re.Match[str]], str], count: int = 0) -> None:
        """Replace in the text of a part; nothing to replace is an error of the bench."""

        def change(text: str) -> str:
            found, n = re.subn(pattern, new, text, count=count, flags=re.S)
            if not n:
                raise LookupError(f"{part}: {pattern} is not in it")
            return found

        self.texts.append((part, change))

    def save(self, target: Path) -> dict[Address, Any]:
        """Write it, recompute it and store the results; returns what the engine computes."""
        book = Parts(self.path)
        by_sheet: dict[str, dict[At, Written]] = {}
        for (sheet, at), cell in self.cells.items():
            by_sheet.setdefault(sheet, {})[cell_at(at)] = cell
        parts = {book.parts[s]: book.sheet(s).patched({}, {}, cells) for s, cells in by_sheet.items()}
        for part, change in self.texts:
            parts[part] = change(parts.get(part, book.read(part)).decode()).encode()
        rewrite(self.path, target, parts, 1, self.added)
        values = computed(target)
        if not self.stale:
            store(target, values)
        return values


def store(path: Path, values: Mapping[Address, Any]) -> None:
    """Put results beside the formulas of a workbook, as the program that computed them would."""
    book = Parts(path)
    results: dict[str, dict[At, Any]] = {}
    for (sheet, at), f in book.formulas():
        if (sheet, at) not in values:
            continue
        value = values[sheet, at]
        if value in _UNKNOWN and f.value is not None:
            continue
        value = 0 if value == "#CIRC!" else value
        if not same(f.value, value, 1e-14):
            results.setdefault(sheet, {})[cell_at(at)] = value
    if results:
        parts = {book.parts[s]: SheetXml(book.read(book.parts[s]), s).patched({}, r) for s, r in results.items()}
        beside = path.with_suffix(".stored.xlsx")
        rewrite(path, beside, parts, 1)
        beside.replace(path)


# -- looks ------------------------------------------------------------------------------------------------------------
def restyled(draft: Draft, style: str, changes: Mapping[str, str], formats: Mapping[int, str] | None = None) -> str:
    """The number of a new style like another one, with other attributes (numFmtId, fontId...)."""
    book = Parts(draft.path)
    text = book.read(STYLES).decode()
    held = re.search(r"<cellXfs\b[^>]*>(.*?)</cellXfs>", text, re.S)
    assert held
    found = re.findall(r"<xf\b[^>]*?/>|<xf\b.*?</xf>", held[1], re.S)
    number = len(found) + sum(part == STYLES for part, _ in draft.texts)
    new = found[int(style or 0)]
    for name, value in changes.items():
        tag = new[: new.index(">")]
        plain = re.sub(rf'\s(?:{name}|apply{"NumberFormat" if name == "numFmtId" else "Font"})="[^"]*"', "", tag)
        extra = ' applyNumberFormat="1"' if name == "numFmtId" else ' applyFont="1"'
        new = new.replace(tag, plain.replace("<xf", f'<xf {name}="{value}"{extra}', 1), 1)

    def change(text: str) -> str:
        text = re.sub(r"(<cellXfs\b[^>]*?)\scount=\"\d+\"", r"\1", text)
        text = text.replace("</cellXfs>", new + "</cellXfs>", 1)
        lines = "".join(f'<numFmt numFmtId="{n}" formatCode="{code}"/>' for n, code in (formats or {}).items())
        if "<numFmts" in text:
            return re.sub(r"<numFmts\b[^>]*>", lambda m: f"<numFmts>{lines}", text, count=1)
        if lines:
            return re.sub(r"(<styleSheet\b[^>]*>)", lambda m: f"{m[1]}<numFmts>{lines}</numFmts>", text, count=1)
        return text

    draft.texts.append((STYLES, change))
    return str(number)


def worksheet(draft: Draft, sheet: str) -> str:
    """The part of a worksheet."""
    return Parts(draft.path).parts[sheet]


def settings(draft: Draft, **attributes: str) -> None:
    """Set attributes of calcPr, or of workbookPr for date1904."""
    for name, value in attributes.items():
        element = "workbookPr" if name == "date1904" else "calcPr"

        def change(text: str, name: str = name, value: str = value, element: str = element) -> str:
            text = re.sub(rf'(<{element}\b[^>]*?)\s{name}="[^"]*"', r"\1", text)
            found, n = re.subn(rf"<{element}\b", f'<{element} {name}="{value}"', text, count=1)
            if n:
                return found
            new = f'<{element} {name}="{value}"/>'
            if element == "calcPr":
                return re.sub(
                    r"(</definedNames>|</sheets>)(?!.*</definedNames>)", lambda m: m[1] + new, text, count=1, flags=re.S
                )
            return text.replace("<bookViews", new + "<bookViews", 1)

        draft.texts.append((WORKBOOK, change))
