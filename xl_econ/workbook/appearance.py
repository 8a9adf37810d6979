"""What a person sees of a cell's style; how a program files it away is its own affair.

`looks` knows what the conventions of a workbook ask for. This knows all that two workbooks can differ in, for comparing
them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .book import Look
from .events import is_true
from .looks import formats, local, looks, under

Appearance = tuple[Any, ...]
_SIDES = ("left", "right", "top", "bottom")
_NO_LINE = (None,) * len(_SIDES)
_PLAIN = {"horizontal": "general", "vertical": "bottom"}


@dataclass(frozen=True, slots=True)
class Seen(Look):
    """A look with all that is seen of it."""

    appearance: Appearance = ()


def appearances(root: Any) -> list[Look]:
    """The looks by number, as the s attribute of a cell names them, each with its appearance.

    Args:
        root: The root of the part with the styles.
    """
    codes = formats(root)
    fonts, fills, lines = (
        [read(e) for e in under(root, name)] for name, read in (("fonts", _font), ("fills", _fill), ("borders", _lines))
    )
    found: list[Look] = []
    known: dict[Seen, Seen] = {}
    for look, e in zip(looks(root), under(root, "cellXfs"), strict=False):
        number = int(e.get("numFmtId") or 0)
        code = codes.get(number, f"{number}")
        # Whether a sign is escaped or quoted is no matter of looks.
        appearance = (
            re.sub(r'[\\"]', "", code.casefold()),
            _at(fonts, e.get("fontId"), None),
            _at(fills, e.get("fillId"), None),
            _at(lines, e.get("borderId"), _NO_LINE),
            *_place(_part(e, "alignment")),
        )
        seen = Seen(look.font, look.fill, look.format, look.style, look.locked, appearance)
        found.append(known.setdefault(seen, seen))
    return found or [Seen()]


def _part(e: Any, name: str) -> Any:
    return next((p for p in (() if e is None else e) if local(p) == name), None)


def _at(found: list[Any], number: str | None, default: Any) -> Any:
    n = int(number or 0)
    return found[n] if 0 <= n < len(found) else default


def _value(e: Any, name: str) -> str | None:
    part = _part(e, name)
    return None if part is None else part.get("val")


def _has(e: Any, name: str) -> bool:
    part = _part(e, name)
    return part is not None and (part.get("val") is None or is_true(part.get("val")))


def _font(e: Any) -> Appearance:
    line = None if _part(e, "u") is None else _value(e, "u") or "single"
    size = float(_value(e, "sz") or 0)
    colour = _colour(_part(e, "color"))
    return _value(e, "name"), size, _has(e, "b"), _has(e, "i"), None if line == "none" else line, colour


def _fill(e: Any) -> Any:
    pattern = _part(e, "patternFill")
    is_filled = pattern is not None and pattern.get("patternType") == "solid"
    return _colour(_part(pattern, "fgColor")) if is_filled else None


def _lines(e: Any) -> Appearance:
    styles = (None if (side := _part(e, s)) is None else side.get("style") for s in _SIDES)
    return tuple(None if style == "none" else style for style in styles)


def _place(e: Any) -> Appearance:
    if e is None:
        return None, None, False
    sides = (None if e.get(n) == usual else e.get(n) for n, usual in _PLAIN.items())
    return *sides, is_true(e.get("wrapText"))


def _colour(e: Any) -> Any:
    """A colour by its red, green and blue; black where none is said."""
    if e is None or (e.get("theme") == "1" and not float(e.get("tint") or 0)):
        return "000000"
    if e.get("rgb"):
        return str(e.get("rgb"))[-6:].upper()
    return next(((kind, e.get(kind)) for kind in ("theme", "indexed", "auto") if e.get(kind)), "000000")
