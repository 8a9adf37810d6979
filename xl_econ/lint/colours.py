"""What the colour of a cell says about its kind: the palette of the templates, and the one that bankers share."""

from __future__ import annotations

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


def kind(font: str) -> str:
    """The kind that a font's colour claims for its cell."""
    return _KIND.get(font, OTHER)
