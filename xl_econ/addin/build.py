"""`xl_econ.xlam`, the same bytes each time: two sheets, a VBA project, a ribbon."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from xl_econ import __version__
from xl_econ.core.errors import UsageError
from xl_econ.workbook.write import store

from . import intellisense, ribbon, vba
from .ovba import vba_project

PROJECT = "xl_econ"
ABOUT = "About"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can tell: the bytes must not depend on the day
_CREATED = "2026-01-01T00:00:00Z"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEETS = {"Sheet1": ABOUT, "Sheet2": intellisense.SHEET}  # code name: name; the one with the help must be the last

_CONTENT_TYPES = {
    "/xl/workbook.xml": "application/vnd.ms-excel.addin.macroEnabled.main+xml",  # an add-in: hidden, IsAddin
    "/xl/worksheets/sheet1.xml": f"{_SPREADSHEET}.worksheet+xml",
    "/xl/worksheets/sheet2.xml": f"{_SPREADSHEET}.worksheet+xml",
    "/xl/styles.xml": f"{_SPREADSHEET}.styles+xml",
    "/xl/vbaProject.bin": "application/vnd.ms-office.vbaProject",
    "/docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
    "/docProps/app.xml": "application/vnd.openxmlformats-officedocument.extended-properties+xml",
}
_PACKAGE_LINKS = {
    f"{_OFFICE}/officeDocument": "xl/workbook.xml",
    f"{_PACKAGE}/relationships/metadata/core-properties": "docProps/core.xml",
    f"{_OFFICE}/extended-properties": "docProps/app.xml",
    "http://schemas.microsoft.com/office/2007/relationships/ui/extensibility": "customUI/customUI14.xml",
}
_WORKBOOK_LINKS = [
    (f"{_OFFICE}/worksheet", "worksheets/sheet1.xml"),
    (f"{_OFFICE}/worksheet", "worksheets/sheet2.xml"),
    (f"{_OFFICE}/styles", "styles.xml"),
    ("http://schemas.microsoft.com/office/2006/relationships/vbaProject", "vbaProject.bin"),
]


def sources() -> dict[str, str]:
    """The add-in's VBA modules by file name: what its project holds, as the VBA editor imports it."""
    kinds = {"standard": ".bas", "document": ".cls"}
    return {f"{m.name}{kinds[m.kind]}": m.source for m in vba.modules(_SHEETS)}


def write_sources(folder: Path) -> None:
    """Write the modules as files, for review and for the installer's -Rebuild."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sources().items():
        (folder / name).write_text(text, encoding="ascii", newline="\r\n")


def write(path: Path) -> None:
    """Write the add-in.

    Args:
        path: Where to; an add-in that is there is replaced.

    Raises:
        UsageError: Another name than that of an add-in, which Excel would not open.
        LayoutError: A function that Excel or VBA cannot take.
        WorkbookError: It cannot be written there.
    """
    if path.suffix.lower() != ".xlam":
        raise UsageError(f"{path}: an add-in is called .xlam")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name, content in package().items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0  # else the byte tells Linux from Windows
            out.writestr(info, content, compresslevel=9)
    store(path, packed.getvalue(), force=True)


def package() -> dict[str, bytes]:
    """The parts of the add-in by name."""
    texts = {
        "[Content_Types].xml": _content_types(),
        "_rels/.rels": _links(list(_PACKAGE_LINKS.items())),
        "xl/workbook.xml": _workbook(),
        "xl/_rels/workbook.xml.rels": _links(_WORKBOOK_LINKS),
        "xl/worksheets/sheet1.xml": _sheet("Sheet1", _about()),
        "xl/worksheets/sheet2.xml": _sheet("Sheet2", intellisense.rows()),
        "xl/styles.xml": _styles(),
        "customUI/customUI14.xml": ribbon.custom_ui(),
        "docProps/core.xml": _core(),
        "docProps/app.xml": _app(),
    }
    found = {name: text.encode() for name, text in texts.items()}
    return found | {"xl/vbaProject.bin": vba_project(PROJECT, vba.modules(_SHEETS))}


def _about() -> list[list[str]]:
    return [
        [f"xl-econ {__version__}"],
        ["AI compute economics as Excel functions."],
        ["This sheet is hidden while the workbook is an add-in; the tab xl-econ and the functions are what it brings."],
    ]


def _content_types() -> str:
    defaults = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    overrides = "".join(f'<Override PartName="{p}" ContentType="{t}"/>' for p, t in _CONTENT_TYPES.items())
    return f'{_XML}<Types xmlns="{_PACKAGE}/content-types">{defaults}{overrides}</Types>'


def _links(found: Sequence[tuple[str, str]]) -> str:
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(found, 1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'


def _workbook() -> str:
    sheets = "".join(
        f'<sheet name="{name}" sheetId="{n}" state="{"visible" if name == ABOUT else "hidden"}" r:id="rId{n}"/>'
        for n, name in enumerate(_SHEETS.values(), 1)
    )
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><fileVersion appName="xl" lastEdited="7" '
        'lowestEdited="7" rupBuild="20000"/><workbookPr codeName="ThisWorkbook"/>'
        f'<bookViews><workbookView activeTab="0"/></bookViews><sheets>{sheets}</sheets></workbook>'
    )


def _sheet(code_name: str, rows: Sequence[Sequence[str]]) -> str:
    """A sheet of texts."""
    cells = "".join(
        f'<row r="{r}">'
        + "".join(
            f'<c r="{_column(c)}{r}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
            for c, text in enumerate(row)
            if text
        )
        + "</row>"
        for r, row in enumerate(rows, 1)
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetPr codeName="{code_name}"/><sheetData>{cells}</sheetData></worksheet>'
    )


def _column(n: int) -> str:
    """A column's letters, from 0."""
    letters = ""
    n += 1
    while n:
        n, rest = divmod(n - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _styles() -> str:
    return (
        f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="1"><xf xfId="0"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _core() -> str:
    return (
        f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>xl-econ {__version__}</dc:title><dc:creator>xl-econ</dc:creator>"
        "<dc:description>AI compute economics as Excel functions</dc:description>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{_CREATED}</dcterms:created>'
        f"<cp:version>{__version__}</cp:version></cp:coreProperties>"
    )


def _app() -> str:
    return (
        f'{_XML}<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
        "<Application>Microsoft Excel</Application><AppVersion>16.0300</AppVersion></Properties>"
    )
