"""Copies of a workbook for IronCalc, which reads only packages that are laid out as Excel lays them out.

It stops at comments that are linked as openpyxl links them, at a workbook without styles, and at cells that leave
their address to be counted.  None of it matters to a result, so the bare copy has no comments, pictures or charts,
plain links, styles, and an address at every cell.

And it takes a cell for 0 that says it is a number and holds none, as openpyxl writes every empty cell with a format.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from .read import worksheets

_STYLES = "xl/styles.xml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PLAIN_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts><font><sz val="11"/><name val="Calibri"/></font></fonts><fills><fill>'
    '<patternFill patternType="none"/></fill></fills><borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs>'
    '<cellXfs><xf/></cellXfs><cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_RELATION = re.compile(r"<(?:[\w.-]+:)?Relationship\s[^>]*?/?>(?:\s*</(?:[\w.-]+:)?Relationship\s*>)?")
_TYPE, _TARGET = re.compile(r"""\sType\s*=\s*["']([^"']+)["']"""), re.compile(r"""(\sTarget\s*=\s*["'])([^"']+)""")
# A cell without a formula that holds nothing, or an empty value; %b is the prefix of its element's name.
_EMPTY = rb"""<%bc\b([^<>]*+)(?:(?<=/)>|>\s*(<%bv\s*(?:/>|>\s*</%bv\s*>))?\s*</%bc\s*>)"""
_PREFIX = re.compile(rb"<((?:[\w.-]+:)?)sheetData\b")
_KIND = re.compile(rb"""\st\s*=\s*["'](\w*)["']""")
_NEEDED = ("/worksheet", "/table", "/sharedStrings", "/styles", "/theme", "/officeDocument")


def with_blanks(path: Path, copy: Callable[[], Path]) -> Path:
    """The workbook with every cell blank that holds nothing: as it is, or else a copy.

    Args:
        path: The workbook.
        copy: Tells where a copy may be written.

    Raises:
        WorkbookError: A worksheet cannot be read, or covers too many cells.
    """
    changed = {name: data for name, old in worksheets(path) if (data := _blanked(old)) != old}
    if not changed:
        return path
    target = copy()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            new.writestr(name, changed[name] if name in changed else old.read(name))
    return target


def _blanked(data: bytes) -> bytes:
    """A worksheet whose empty cells say nothing of a kind."""

    def blank(cell: re.Match[bytes]) -> bytes:
        kind = _KIND.search(cell[1])
        is_blank = kind is None and cell[2] is None
        is_empty_text = kind is not None and kind[1] == b"str" and cell[2] is not None
        if is_blank or is_empty_text:
            return cell[0]
        return b"<%bc%b/>" % (prefix, _KIND.sub(b"", cell[1].removesuffix(b"/")))

    found = _PREFIX.search(data)
    prefix = found[1] if found else b""
    return _empty(re.escape(prefix)).sub(blank, data)


@cache
def _empty(prefix: bytes) -> re.Pattern[bytes]:
    return re.compile(_EMPTY % ((prefix,) * 4))


def bare(path: Path, copy: Path) -> None:
    """Write the copy."""
    from .sheet import SheetXml

    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            if name.endswith(".rels") and name.startswith("xl/"):
                new.writestr(name, _links(old.read(name).decode("utf-8-sig"), name))
            elif name.startswith("xl/worksheets/"):
                new.writestr(name, SheetXml(old.read(name), name).addressed())
            elif not name.startswith(("xl/media/", "xl/drawings/", "xl/charts/", "xl/comments", "xl/vbaProject")):
                new.writestr(name, old.read(name))
        if _STYLES not in old.namelist():
            new.writestr(_STYLES, _PLAIN_STYLES)


def _links(text: str, name: str) -> str:
    """The links of a part that results depend on, relative to its folder."""
    folder = posixpath.dirname(posixpath.dirname(name))

    def link(found: re.Match[str]) -> str:
        kind = _TYPE.search(found[0])
        if kind is None or not kind[1].endswith(_NEEDED):
            return ""
        return _TARGET.sub(
            lambda m: m[1] + (posixpath.relpath(m[2], f"/{folder}") if m[2].startswith("/") else m[2]), found[0]
        )

    return _RELATION.sub(link, text)
