"""Comments and a sheet added to a workbook that somebody else made: the rest of the package keeps its bytes.

Of the parts that are there only those that must name the new ones change, and only by what is inserted.
"""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.parsers import expat

from xl_econ.core.errors import WorkbookError

from .cell import CELL_TEXT, At, address, cell_at, number
from .package import rewrite
from .parts import WORKBOOK, Parts
from .write import replacing

Notes = Mapping[str, Mapping[str, str]]
TYPES = "[Content_Types].xml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# What follows the drawing of the comments in a worksheet, as the format orders it.
_AFTER = {
    "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts", "extLst",
    "AlternateContent",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_FONT = '<sz val="11"/><rFont val="Calibri"/>'
_LINK = '<sz val="11"/><color rgb="FF1A56B0"/><rFont val="Calibri"/>'
_SHAPES = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/>'
    "</o:shapelayout></xml>"
)
_SHAPE_TYPE = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)


def add_notes(
    path: Path, target: Path, notes: Notes, author: str, sheet: str, rows: Sequence[Sequence[object]]
) -> None:
    """Write a copy of a workbook with comments and a further sheet at its end.

    Args:
        path: The workbook; it is only read.
        target: Where the copy goes; replaced if it is there.
        notes: The comments by sheet and cell. A cell that has a comment keeps its own.
        author: Their author.
        sheet: The name of the further sheet; a number is added where it is taken.
        rows: Its rows, headings first. An address such as 'Sheet 1'!B2 in the second column becomes a link.

    Raises:
        WorkbookError: The workbook cannot be read, or is written in a form that takes no comments.
    """
    package = _Changes(Parts(path))
    for name, of_sheet in notes.items():
        if of_sheet and name in package.book.parts:
            package.comment(package.book.parts[name], of_sheet, author)
    package.further_sheet(sheet, rows)
    with replacing(target.resolve(), force=True) as beside:
        rewrite(path, beside, package.parts, added=package.added)


class _Changes:
    """The parts of a package that change, and those that it gains."""

    def __init__(self, book: Parts) -> None:
        self.book = book
        with zipfile.ZipFile(book.path) as package:
            self.held = {n.casefold(): n for n in package.namelist()}
        self.parts: dict[str, bytes] = {}
        self.added: dict[str, bytes] = {}
        if "purl.oclc.org/ooxml" in self.text(WORKBOOK):
            raise WorkbookError(f"{book.path}: is in the Strict form of the format, which takes no comments")

    def text(self, part: str) -> str:
        """A part as it is by now."""
        data = self.added.get(part) or self.parts.get(part) or self.book.read(part)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise WorkbookError(f"{self.book.path}: {part} is not written in UTF-8") from None

    def has(self, part: str) -> bool:
        return part in self.added or part.casefold() in self.held

    def write(self, part: str, text: str) -> None:
        """Set a part, which must be sound."""
        data = text.encode()
        try:
            expat.ParserCreate().Parse(data, True)
        except expat.ExpatError as e:
            raise WorkbookError(f"{self.book.path}: {part} cannot be changed: {e}") from None
        held = self.held.get(part.casefold())
        if held is None:
            self.added[part] = data
        else:
            self.parts[held] = data

    def inserted(self, part: str, tag: str, text: str) -> None:
        """Insert before the end of an element; a NUL in the text stands for the prefix of its elements."""
        held = self.text(part)
        ends = list(re.finditer(rf"</((?:[\w.-]+:)?){tag}\s*>|<((?:[\w.-]+:)?){tag}((?:\s[^<>]*)?)/>", held))
        if not ends:
            raise WorkbookError(f"{self.book.path}: {part} has no {tag}")
        end = ends[-1]
        if end[0].startswith("</"):
            at, new = end.start(), text.replace("\0", end[1])
            self.write(part, held[:at] + new + held[at:])
        else:
            prefix = end[2]
            whole = f"<{prefix}{tag}{end[3]}>{text}</{prefix}{tag}>".replace("\0", prefix)
            self.write(part, held[: end.start()] + whole + held[end.end() :])

    def free(self, pattern: str) -> str:
        """The first name of a part that is not taken."""
        n = 1
        while self.has(pattern.format(n)):
            n += 1
        return pattern.format(n)

    def declare(self, part: str, kind: str) -> None:
        self.inserted(TYPES, "Types", f'<\0Override PartName="/{part}" ContentType="{kind}"/>')

    def linked(self, part: str) -> str:
        """The part with the relations of a part."""
        folder, _, file = part.rpartition("/")
        links = f"{folder}/_rels/{file}.rels"
        return self.held.get(links.casefold(), links)

    def link(self, part: str, kind: str, target: str) -> str:
        """Add a relation; answers with its id."""
        links = self.linked(part)
        if not self.has(links):
            self.write(links, f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"></Relationships>')
        taken = set(re.findall(r"""\sId\s*=\s*["']([^"']+)""", self.text(links)))
        name = next(i for n in range(1, 1 << 20) if (i := f"rIdXe{n}") not in taken)
        leads = posixpath.relpath(target, posixpath.dirname(part))
        self.inserted(
            links,
            "Relationships",
            f'<\0Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{html.escape(leads)}"/>',
        )
        return name

    def related(self, part: str, kind: str) -> str | None:
        """The part of a kind that a part is related to."""
        links = self.linked(part)
        for m in re.finditer(r"<(?:[\w.-]+:)?Relationship\s[^>]*>", self.text(links)) if self.has(links) else ():
            about = dict(re.findall(r"""\s(Type|Target)\s*=\s*["']([^"']*)["']""", m[0]))
            if about.get("Type", "").endswith(f"/{kind}"):
                target = html.unescape(about.get("Target", ""))
                name = (
                    target.lstrip("/")
                    if target[:1] == "/"
                    else posixpath.normpath(f"{posixpath.dirname(part)}/{target}")
                )
                return self.held.get(name.casefold(), name)
        return None

    def comment(self, part: str, notes: Mapping[str, str], author: str) -> None:
        """Add comments to a worksheet."""
        shapes, texts = self.related(part, "vmlDrawing"), self.related(part, "comments")
        if texts is not None and shapes is None:
            return  # comments that nothing draws: not as any program writes them
        if shapes is not None and "xmlns:x=" not in self.text(shapes):
            return
        if texts is None:
            texts = self.free("xl/comments{}.xml")
            empty = f'{_HEAD}<comments xmlns="{_MAIN}"><authors></authors><commentList></commentList></comments>'
            self.write(texts, empty)
            self.declare(texts, f"{_KIND}.comments+xml")
            self.link(part, "comments", texts)
        if shapes is None:
            shapes = self.free("xl/drawings/vmlDrawing{}.vml")
            self.write(shapes, _SHAPES)
            if not re.search(r"""Extension\s*=\s*["']vml["']""", self.text(TYPES), re.I):
                kind = "application/vnd.openxmlformats-officedocument.vmlDrawing"
                self.inserted(TYPES, "Types", f'<\0Default Extension="vml" ContentType="{kind}"/>')
            self._draw(part, self.link(part, "vmlDrawing", shapes))
        held = self.text(texts)
        taken = {r.upper() for r in re.findall(r"""<(?:[\w.-]+:)?comment\s[^>]*?\bref\s*=\s*["']([^"']+)""", held)}
        new = {cell_at(c): t for c, t in notes.items() if c not in taken}
        who = len(re.findall(r"<(?:[\w.-]+:)?author(?:\s[^>]*)?/?>", held))
        self.inserted(texts, "authors", f"<\0author>{xml(author)}</\0author>")
        items = (
            f'<\0comment ref="{address(at)}" authorId="{who}"><\0text><\0t xml:space="preserve">{xml(text)}'
            "</\0t></\0text></\0comment>"
            for at, text in sorted(new.items())
        )
        self.inserted(texts, "commentList", "".join(items))
        self._shapes(shapes, sorted(new))

    def _draw(self, part: str, link: str) -> None:
        """Have a worksheet show the drawing of its comments, at the place in it that the format demands."""
        held = self.text(part).encode()
        place = _place(held)
        root = re.search(rb"<((?:[\w.-]+:)?)worksheet[\s>]", held)
        prefix = root[1].decode() if root else ""
        element = f'<{prefix}legacyDrawing xmlns:xe="{_OFFICE}" xe:id="{link}"/>'
        self.write(part, (held[:place] + element.encode() + held[place:]).decode())

    def _shapes(self, part: str, cells: Sequence[At]) -> None:
        held = self.text(part)
        first = max((int(n) for n in re.findall(r"_x0000_s(\d+)", held)), default=1024) + 1
        kind = "" if "_x0000_t202" in held else _SHAPE_TYPE
        self.inserted(part, "xml", kind + "".join(_shape(first + n, c) for n, c in enumerate(cells)))

    def further_sheet(self, name: str, rows: Sequence[Sequence[object]]) -> None:
        """Add a sheet at the end."""
        held = self.text(WORKBOOK)
        names = {
            html.unescape(n).casefold()
            for n in re.findall(r"""<(?:[\w.-]+:)?sheet\s[^>]*?\bname\s*=\s*["']([^"']*)""", held)
        }
        free = next(n for k in range(1, 1 << 20) if (n := name if k == 1 else f"{name} {k}").casefold() not in names)
        part = self.free("xl/worksheets/sheet{}.xml")
        self.write(part, _sheet(rows))
        self.declare(part, f"{_KIND}.worksheet+xml")
        numbers = [int(n) for n in re.findall(r"""\bsheetId\s*=\s*["'](\d+)""", held)]
        link = self.link(WORKBOOK, "worksheet", part)
        number_ = max(numbers, default=0) + 1
        element = f'<\0sheet xmlns:xe="{_OFFICE}" name="{xml(free)}" sheetId="{number_}" xe:id="{link}"/>'
        self.inserted(WORKBOOK, "sheets", element)


def xml(text: str) -> str:
    """A text as XML, without what XML cannot hold."""
    return html.escape(_ESCAPED.sub("_x005F_", _CONTROL.sub(" ", text[:CELL_TEXT])))


def _place(data: bytes) -> int:
    """Where in a worksheet the drawing of the comments stands: before what follows it, else at the end."""
    found: list[int] = []
    depth, after = 0, False
    parser = expat.ParserCreate()

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal depth, after
        name = tag.rpartition(":")[2]
        if depth == 1:
            if after and name in _AFTER and not found:
                found.append(parser.CurrentByteIndex)
            after = after or name == "sheetData"
        depth += 1

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1
        if depth == 0 and not found:
            found.append(parser.CurrentByteIndex)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(data, True)
    return found[0]


def _shape(number_: int, cell: At) -> str:
    row, column = cell.row - 1, cell.column - 1
    anchor = f"{column + 1}, 15, {max(0, row - 1)}, 4, {column + 5}, 15, {row + 7}, 4"
    return (
        f'<v:shape id="_x0000_s{number_}" type="#_x0000_t202" style="position:absolute;visibility:hidden" '
        'fillcolor="#fff4d6" o:insetmode="auto"><v:fill color2="#fff4d6"/><v:path o:connecttype="none"/>'
        '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
        '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column>"
        "</x:ClientData></v:shape>"
    )


def _sheet(rows: Sequence[Sequence[object]]) -> str:
    """A worksheet of texts and numbers, its headings bold and fixed, with links in the second column.

    It needs no style of the workbook's: what is bold is so as rich text.
    """
    lines, links = [], []
    for r, row in enumerate(rows, start=1):
        cells = []
        for c, value in enumerate(row, start=1):
            at = address(At(r, c))
            if isinstance(value, int | float) and not isinstance(value, bool):
                cells.append(f'<c r="{at}"><v>{number(value)}</v></c>')
                continue
            text = xml(str(value or ""))
            linked = c == 2 and r > 1 and "!" in text
            look = f"<rPr><b/>{_FONT}</rPr>" if r == 1 else f"<rPr><u/>{_LINK}</rPr>" if linked else ""
            inside = (
                f'<r>{look}<t xml:space="preserve">{text}</t></r>' if look else f'<t xml:space="preserve">{text}</t>'
            )
            cells.append(f'<c r="{at}" t="inlineStr"><is>{inside}</is></c>' if text else "")
            if linked:
                links.append(f'<hyperlink ref="{at}" location="{text}"/>')
        lines.append(f'<row r="{r}">{"".join(cells)}</row>')
    widths = [min(90, 3 + max(len(str(row[c] or "")) for row in rows)) for c in range(len(rows[0]))]
    columns = "".join(f'<col min="{n}" max="{n}" width="{w}" customWidth="1"/>' for n, w in enumerate(widths, start=1))
    last = address(At(len(rows), len(rows[0])))
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView>'
        f"</sheetViews><cols>{columns}</cols>"
        f'<sheetData>{"".join(lines)}</sheetData><autoFilter ref="A1:{last}"/>'
        + (f"<hyperlinks>{''.join(links)}</hyperlinks>" if links else "")
        + '<pageSetup orientation="landscape" fitToHeight="0"/></worksheet>'
    )
