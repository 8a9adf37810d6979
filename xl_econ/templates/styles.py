"""The look of a template: one table of cell styles. The colour of a number tells its kind."""

from __future__ import annotations

from typing import Any

NAVY, GREY, RULE, PALE = "#1F3864", "#595959", "#BFBFBF", "#F2F2F2"
INPUT_BLUE, LINK_GREEN, INPUT_FILL = "#0000FF", "#00703C", "#FFF9E5"
SERIES = (NAVY, "#2E75B6", "#9DC3E6", "#A6A6A6", "#C9A227", "#548235")  # of a chart
GOOD, GOOD_FILL, BAD, BAD_FILL = "#006100", "#E2F0D9", "#9C0006", "#FFC7CE"

_BASE = {"font_name": "Calibri", "font_size": 10, "valign": "vcenter"}
_CELL = {"bottom": 4, "bottom_color": RULE}

STYLES: dict[str, dict[str, Any]] = {
    "title": {"font_size": 18, "bold": True, "font_color": NAVY},
    "about": {"font_color": GREY, "italic": True},
    "heading": {"bold": True, "font_color": "white", "bg_color": NAVY, "text_wrap": True, "indent": 1},
    "heading_number": {"bold": True, "font_color": "white", "bg_color": NAVY, "align": "right", "text_wrap": True},
    "section": {"bold": True, "font_color": NAVY, "font_size": 11, "bottom": 2, "bottom_color": NAVY},
    "label": _CELL,
    "label_long": _CELL | {"text_wrap": True},
    "bold": _CELL | {"bold": True},
    "unit": _CELL | {"font_color": GREY, "indent": 1, "shrink": True},
    "note": _CELL | {"font_color": GREY, "text_wrap": True, "indent": 1},
    "wrap": _CELL | {"text_wrap": True, "valign": "top"},
    "formula_text": _CELL
    | {"font_color": GREY, "font_name": "Consolas", "font_size": 9, "text_wrap": True, "indent": 1},
    "input": _CELL | {"font_color": INPUT_BLUE, "bg_color": INPUT_FILL, "locked": False, "align": "right"},
    "input_long": _CELL
    | {"font_color": INPUT_BLUE, "bg_color": INPUT_FILL, "locked": False, "align": "right", "text_wrap": True},
    "calculation_long": _CELL | {"font_color": "black", "align": "right", "text_wrap": True},
    "input_text": _CELL | {"font_color": INPUT_BLUE, "bg_color": INPUT_FILL, "locked": False, "text_wrap": True},
    "calculation": _CELL | {"font_color": "black", "align": "right"},
    "result": _CELL | {"font_color": "black", "bold": True, "align": "right"},
    "link": _CELL | {"font_color": LINK_GREEN, "align": "right"},
    "link_note": _CELL | {"font_color": LINK_GREEN, "text_wrap": True, "indent": 1},
    "link_bold": _CELL | {"font_color": LINK_GREEN, "bold": True, "align": "right"},
    "master_label": {"bold": True, "font_size": 12},
    "constant": _CELL | {"font_color": INPUT_BLUE, "align": "right"},
    "limit": _CELL | {"font_color": GREY, "align": "right"},
    "flag": _CELL | {"align": "center"},
    "headline": {
        "font_size": 16,
        "bold": True,
        "font_color": LINK_GREEN,
        "align": "right",
        "bottom": 4,
        "bottom_color": RULE,
    },
    "headline_label": {"font_size": 12, "bottom": 4, "bottom_color": RULE},
    "headline_unit": {"font_size": 12, "font_color": GREY, "indent": 1, "bottom": 4, "bottom_color": RULE},
    "master": {"font_size": 14, "bold": True, "align": "center", "border": 1, "border_color": RULE},
    "good": {"font_color": GOOD, "bg_color": GOOD_FILL},
    "noted": {"font_color": "#7F6000", "bg_color": "#FFF2CC", "bold": True},
    "bad": {"font_color": BAD, "bg_color": BAD_FILL, "bold": True},
    "negative": {"font_color": BAD},
    "axis": _CELL | {"font_color": "black", "bold": True, "align": "right", "bg_color": PALE},
    "axis_input": _CELL
    | {"font_color": INPUT_BLUE, "bold": True, "bg_color": INPUT_FILL, "locked": False, "align": "right"},
    "contents": {"font_color": "#0563C1", "underline": 1},
    "plain": {},
    "table_number": _CELL | {"font_color": INPUT_BLUE, "align": "right"},
    "table_text": _CELL | {"indent": 1},
}
# Bounds can be very large numbers.
LIMIT_FORMAT = "[>=1000000]0E+0;[<0]-General;General"
# Shows a flag as a word while the cell stays a number that can be summed.
NOTE_FORMAT = '"NOTE";;"OK"'
FLAG_FORMAT = '"CHECK";;"OK"'


class Styles:
    """The styles of one workbook; a style with a number format is made once."""

    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        self._made: dict[tuple[str, str], Any] = {}

    def __call__(self, name: str, number_format: str = "General") -> Any:
        key = (name, number_format)
        if key not in self._made:
            properties = _BASE | STYLES[name] | ({} if number_format == "General" else {"num_format": number_format})
            self._made[key] = self._workbook.add_format(properties)
        return self._made[key]
