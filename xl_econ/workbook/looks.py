"""How cells look, from the styles of a workbook: one look for every format that a cell can point to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .book import Look

LONGEST = 4096  # characters of a number format, which other programs may write longer than Excel
_BLACK_THEME = 1  # the text colour of a theme
_INDEXED = {"8": "000000", "64": "black", "10": "FF0000", "12": "0000FF", "17": "008000"}
# Number formats that a file names by number only.
_FORMATS = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "mm-dd-yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "m/d/yy h:mm", 37: "#,##0_);(#,##0)", 38: "#,##0_);[Red](#,##0)",
    39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);[Red](#,##0.00)", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
    48: "##0.0E+0", 49: "@",
}  # fmt: skip


def looks(root: Any) -> list[Look]:
    """The looks by number, as the s attribute of a cell names them.

    Args:
        root: The root of the part with the styles.
    """
    codes = formats(root)
    fonts = [_font(e) for e in under(root, "fonts")] or ["black"]
    fills = [_fill(e) for e in under(root, "fills")] or [""]
    named = [int(e.get("xfId") or 0) for e in under(root, "cellStyles")]
    names = {n: e.get("name") or "" for n, e in zip(named, under(root, "cellStyles"), strict=True)}
    known: dict[Look, Look] = {}
    found = []
    for e in under(root, "cellXfs"):
        guard = next((g for g in e if local(g) == "protection"), None)
        look = Look(
            _at(fonts, e.get("fontId")),
            _at(fills, e.get("fillId")),
            codes.get(int(e.get("numFmtId") or 0), "General"),
            names.get(int(e.get("xfId") or 0), "Normal"),
            guard is None or guard.get("locked") not in ("0", "false"),
        )
        found.append(known.setdefault(look, look))
    return found or [Look()]


def formats(root: Any) -> dict[int, str]:
    """The codes of number formats by number: those that every program knows, and the workbook's own.

    Raises:
        ValueError: One is far longer than any program allows.
    """
    own = {int(e.get("numFmtId")): e.get("formatCode") or "General" for e in under(root, "numFmts")}
    longest = max(map(len, own.values()), default=0)
    if longest > LONGEST:
        raise ValueError(f"a number format of {longest:,} characters, where Excel allows 255")
    return _FORMATS | own


def local(e: Any) -> str:
    """The name of an element without its namespace."""
    return str(e.tag).rpartition("}")[2]


def under(root: Any, name: str) -> Iterator[Any]:
    """The elements of a list of the styles."""
    for e in root:
        if local(e) == name:
            yield from e


def _at(found: list[str], number: str | None) -> str:
    n = int(number or 0)
    return found[n] if 0 <= n < len(found) else found[0]


def _font(e: Any) -> str:
    colour = next((c for c in e if local(c) == "color"), None)
    return rgb(colour, "black")


def _fill(e: Any) -> str:
    pattern = next((p for p in e if local(p) == "patternFill"), None)
    if pattern is None or pattern.get("patternType") in (None, "none"):
        return ""
    return rgb(next((c for c in pattern if local(c) == "fgColor"), None), "")


def rgb(colour: Any, default: str) -> str:
    """A colour as RRGGBB; "black" where it is the theme's or the program's own text colour; "" if it is another."""
    if colour is None:
        return default
    if colour.get("rgb"):
        return str(colour.get("rgb"))[-6:].upper()
    if colour.get("theme") is not None:
        return "black" if colour.get("theme") == str(_BLACK_THEME) and not float(colour.get("tint") or 0) else ""
    if colour.get("indexed") is not None:
        return _INDEXED.get(colour.get("indexed"), "")
    return default
