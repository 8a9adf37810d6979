"""Rows and columns inserted in a package, with every reference that has to follow: what Excel does for its user."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from xl_econ.workbook.cell import At, address, cell_at
from xl_econ.workbook.parts import WORKBOOK

from .draft import Draft
from .ground import REF, Ground

_AREA = re.compile(r"(\$?)([A-Z]{1,3})(\$?)(\d+)")


def insert(g: Ground, draft: Draft, sheet: str, row: int = 0, column: int = 0) -> None:
    """Insert an empty row before `row`, or an empty column before `column`."""
    book = g.parts

    def to(at: At) -> At:
        return At(at.row + (0 < row <= at.row), at.column + (0 < column <= at.column))

    def area(text: str) -> str:
        def one(m: re.Match[str]) -> str:
            new = to(cell_at(m[2] + m[4]))
            return f"{m[1]}{address(At(1, new.column))[:-1]}{m[3]}{new.row}"

        return _AREA.sub(one, text)

    def formula(text: str, host: str) -> str:
        def one(m: re.Match[str]) -> str:
            if m["skip"]:
                return m[0]
            named = html.unescape(m["sheet"] or "").rstrip("!")
            # The second corner of an area has the sheet of the first.
            if not named and text[: m.start()].endswith(":"):
                before = REF.match(text, max((x.start() for x in REF.finditer(text[: m.start() - 1])), default=0))
                named = html.unescape(before["sheet"] or "").rstrip("!") if before else ""
            if (named.strip("'").replace("''", "'") or host) != sheet:
                return m[0]
            new = to(cell_at(m["c"] + m["r"]))
            return f"{m['sheet'] or ''}{m['ca']}{address(At(1, new.column))[:-1]}{m['ra']}{new.row}"

        return REF.sub(one, text)

    def of_sheet(host: str) -> Callable[[str], str]:
        def change(text: str) -> str:
            text = re.sub(
                r"(<(?:f|formula|formula1|formula2)\b[^>]*>)([^<]+)(</)",
                lambda m: m[1] + formula(m[2], host) + m[3],
                text,
            )
            if host != sheet:
                return text
            if row:
                text = re.sub(r'(<row\b[^>]*?\sr=")(\d+)', lambda m: m[1] + str(int(m[2]) + (int(m[2]) >= row)), text)
            text = re.sub(r'\sspans="[^"]*"', "", text)
            text = re.sub(r'(<c\b[^>]*?\sr=")([A-Z]+\d+)', lambda m: m[1] + area(m[2]), text)
            text = re.sub(r'(\s(?:ref|sqref|topLeftCell|activeCell)=")([^"]*)', lambda m: m[1] + area(m[2]), text)
            if column:
                text = re.sub(r"<col\b[^>]*/>", _columns, text)
            return text

        return change

    def _columns(m: re.Match[str]) -> str:
        return re.sub(r'\b(min|max)="(\d+)"', lambda x: f'{x[1]}="{int(x[2]) + (int(x[2]) >= column)}"', m[0])

    for host, part in book.parts.items():
        draft.texts.append((part, of_sheet(host)))
    draft.texts.append(
        (WORKBOOK, lambda t: re.sub(r"(<definedName\b[^>]*>)([^<]+)", lambda m: m[1] + formula(m[2], ""), t))
    )
    for part in book._names_of_parts():
        if part.startswith("xl/charts/chart"):
            draft.texts.append((part, lambda t: re.sub(r"(<c:f>)([^<]+)", lambda m: m[1] + formula(m[2], ""), t)))
    for part in tables(g, sheet):
        draft.texts.append((part, lambda t: re.sub(r'(\sref=")([^"]*)', lambda m: m[1] + area(m[2]), t)))


def tables(g: Ground, sheet: str) -> list[str]:
    """The parts of the Excel Tables of a sheet."""
    folder, _, file = g.parts.parts[sheet].rpartition("/")
    links = f"{folder}/_rels/{file}.rels"
    if links not in g.parts._names_of_parts():
        return []
    found = re.findall(r'Target="([^"]*tables/[^"]*)"', g.parts.read(links).decode())
    return [t.lstrip("/") if t.startswith("/") else "xl/" + t.removeprefix("../") for t in found]


def rename(g: Ground, draft: Draft, sheet: str, new: str) -> None:
    """Give a sheet another name, everywhere."""
    old = html.escape(sheet, quote=False)
    plain, quoted = re.escape(old), re.escape("'" + old.replace("'", "''") + "'")
    to = "'" + html.escape(new, quote=False) + "'!"

    def change(text: str) -> str:
        return re.sub(rf"(?<![\w.'])(?:{plain}|{quoted})!", to.replace("\\", r"\\"), text)

    for part in g.parts._names_of_parts():
        if part.startswith(("xl/worksheets/sheet", "xl/charts/chart")) or part == WORKBOOK:
            draft.texts.append((part, change))
    name = rf'(<sheet\b[^>]*?\bname="){re.escape(html.escape(sheet))}"'
    draft.text(WORKBOOK, name, lambda m: m[1] + html.escape(new) + '"')
