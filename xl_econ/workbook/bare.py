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
from pathlib import Path

from .sheet import SheetXml

_STYLES = "xl/styles.xml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PLAIN_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts><font><sz val="11"/><name val="Calibri"/></font></fonts><fills><fill>'
    '<patternFill patternType="none"/></fill></fills><borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs>'
    '<cellXfs><xf/></cellXfs><cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_RELATION = re.compile(r"<(?:[\w.-]+:)?Relationship\s[^>]*?/?>(?:\s*</(?:[\w.-]+:)?Relationship\s*>)?")
_TYPE, _TARGET = re.compile(r"""\sType\s*=\s*["']([^"']+)["']"""), re.compile(r"""(\sTarget\s*=\s*["'])([^"']+)""")
# A cell without a formula that holds nothing, or an empty value.
_EMPTY = re.compile(
    rb"""<((?:[\w.-]+:)?)c((?:\s+[\w:.-]+\s*=\s*"[^"<]*")*+)\s*(?:/>|>\s*(<\1v\s*(?:/>|>\s*</\1v\s*>))?\s*</\1c\s*>)"""
)
_KIND = re.compile(rb"""\st\s*=\s*"(\w*)\"""")
# Where there is none of these, no cell says that it holds something and holds nothing.
_HINTS = (b't="n"', b't="s"', b't="b"', b't="e"', b't="str"/', b't="str"></', b't="inlineStr"/', b"v/>", b"v></")
_NEEDED = ("/worksheet", "/table", "/sharedStrings", "/styles", "/theme", "/officeDocument")


def with_blanks(path: Path, copy: Path) -> bool:
    """Write a copy in which every cell that holds nothing is blank; False, and none, where they are already."""
    with zipfile.ZipFile(path) as old:
        sheets = [name for name in old.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        changed = {name: data for name in sheets if (data := _blanked(old.read(name))) is not None}
        if not changed:
            return False
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
            for name in old.namelist():
                new.writestr(name, changed[name] if name in changed else old.read(name))
    return True


def _blanked(data: bytes) -> bytes | None:
    """A worksheet whose empty cells say nothing of a kind; None where there is nothing to change."""
    if not any(hint in data for hint in _HINTS):
        return None

    def blank(cell: re.Match[bytes]) -> bytes:
        kind = _KIND.search(cell[2])
        is_blank = kind is None and cell[3] is None
        is_empty_text = kind is not None and kind[1] == b"str" and cell[3] is not None
        if is_blank or is_empty_text:
            return cell[0]
        return b"<%bc%b/>" % (cell[1], _KIND.sub(b"", cell[2]))

    found = _EMPTY.sub(blank, data)
    return None if found == data else found


def bare(path: Path, copy: Path) -> None:
    """Write the copy."""
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
