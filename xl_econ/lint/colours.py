"""What the colour of a cell says about its kind: the palette of the templates, and the one that bankers share."""

from __future__ import annotations

from typing import Any

from xl_econ.templates.styles import INPUT_BLUE, INPUT_FILL, LINK_GREEN

INPUT, CALCULATION, LINK, EXTERNAL, OTHER = "input", "calculation", "link", "external", "other"
_KIND = {
    INPUT_BLUE[1:]: INPUT,
    "0070C0": INPUT,
    "000000": CALCULATION,
    "black": CALCULATION,
    LINK_GREEN[1:]: LINK,
    "008000": LINK,
    "00B050": LINK,
    "FF0000": EXTERNAL,
}
FILL = INPUT_FILL[1:]
_BLACK_THEME = 1  # the text colour of a theme
_INDEXED = {8: "000000", 64: "black", 10: "FF0000", 12: "0000FF", 17: "008000"}


def rgb(colour: Any, default: str) -> str:
    """A colour as RRGGBB; "black" where it is the theme's or the program's own text colour; "" if it is another."""
    if colour is None:
        return default
    if colour.type == "rgb":
        return str(colour.rgb)[-6:].upper()
    if colour.type == "theme":
        return "black" if colour.theme == _BLACK_THEME and not colour.tint else ""
    if colour.type == "indexed":
        return _INDEXED.get(colour.indexed, "")
    return default


def kind(font: str) -> str:
    """The kind that a font's colour claims for its cell."""
    return _KIND.get(font, OTHER)
