"""One sheet being written: cells by kind, and what every sheet of a template shares."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from xlsxwriter.utility import xl_col_to_name

from xl_econ.core.quantity import Quantity
from xl_econ.workbook.cell import column_number

from .styles import Styles

# A calculation that only fetches another sheet's cell is shown as the link that it is.
_LINK = re.compile(r"('[^']+'|\w+)!\$?[A-Z]{1,3}\$?\d+")
_LINKS = {"calculation": "link", "calculation_long": "link", "result": "link_bold"}
_UNBOUNDED, _ABOVE_ZERO = 1e300, 1e-300  # Excel's own check of a number wants both ends, and has no "above"


class Canvas:
    """A worksheet with the styles of its workbook.

    Args:
        ws: The XlsxWriter worksheet.
        style: The workbook's styles.
        widths: Column widths, from column A.
        wide: Landscape A3 for printing; else portrait A4.
        one_page: Printed on one page, however long it is.
    """

    def __init__(
        self, ws: Any, style: Styles, widths: tuple[float, ...] = (), wide: bool = True, one_page: bool = False
    ) -> None:
        self.ws, self.style, self._widths = ws, style, widths
        for column, width in enumerate(widths):
            ws.set_column(column, column, width, style("plain"))
        ws.hide_gridlines(2)
        ws.set_paper(8 if wide else 9)
        if wide:
            ws.set_landscape()
        ws.fit_to_pages(1, int(one_page))
        ws.set_margins(0.5, 0.5, 0.6, 0.6)
        ws.set_footer("&L&8&F&C&8&A&R&8Page &P of &N")

    def title(self, title: str, about: str) -> None:
        self.ws.set_row(0, 26)
        self.text("A1", title, "title")
        self.text("A2", about, "about")

    def headings(self, row: int, names: list[str], right: Sequence[str] = (), columns: int = 0) -> None:
        """The heading row: it stays in view, with the first `columns`, and is repeated on every printed page."""
        self.ws.set_row(row - 1, 20)
        for n, name in enumerate(names):
            style = "heading_number" if xl_col_to_name(n) in right else "heading"
            self.ws.write_string(row - 1, n, name, self.style(style))
        self.ws.freeze_panes(row, columns)
        self.ws.repeat_rows(row - 1)

    def section(self, row: int, title: str, columns: Sequence[str] = "B") -> None:
        """A heading inside a sheet, underlined across `columns`."""
        for column in columns:
            self.text(f"{column}{row}", title if column == columns[0] else "", "section")

    def text(self, cell: str, value: str, style: str = "label", fmt: str = "General") -> None:
        """A text; whatever it begins with, it never becomes a formula."""
        self.ws.write_string(cell, value, self.style(style, fmt))

    def number(self, cell: str, value: float, style: str, fmt: str = "General") -> None:
        """A number; an infinite bound is an empty cell."""
        if math.isfinite(value):
            self.ws.write_number(cell, value, self.style(style, fmt))
        else:
            self.ws.write_blank(cell, None, self.style(style))

    def formula(self, cell: str, text: str, value: Any, style: str, fmt: str = "General") -> None:
        """A formula with the value that the core gave it; one that only fetches from another sheet is a link."""
        if style in _LINKS and _LINK.fullmatch(text):
            style = _LINKS[style]
        self.ws.write_formula(cell, f"={text}", self.style(style, fmt), value)

    def put(self, cell: str, formula: str, value: Any, style: str, fmt: str) -> None:
        """A formula with its value; without one the value, a text or a number."""
        if formula:
            self.formula(cell, formula, value, style, fmt)
        elif isinstance(value, str):
            self.text(cell, value, style, fmt)
        else:
            self.number(cell, value, style, fmt)

    def figures(self, row: int, names: Sequence[str]) -> None:
        """The headings of a list of figures with their units, of numbers from column D on."""
        self.text(f"B{row}", "Figure", "heading")
        self.text(f"C{row}", "Unit", "heading")
        for n, name in enumerate(names, 3):
            self.text(f"{xl_col_to_name(n)}{row}", name, "heading_number")

    def choose(self, cells: str, allowed: Sequence[str] | str, title: str = "", message: str = "") -> None:
        """Cells that take one of a few texts, or of those in the cells that a formula names."""
        words = {"input_title": title[:32], "input_message": message[:255]} if title else {}
        self.ws.data_validation(
            cells, {"validate": "list", "source": allowed if isinstance(allowed, str) else list(allowed)} | words
        )

    def bounds(self, cells: str, q: Quantity, title: str, label: str, blank: bool = True) -> None:
        """Cells that take a number within the bounds of its quantity, which Excel says in words."""
        low = _ABOVE_ZERO if q.positive and q.low == 0 else q.low
        self.ws.data_validation(
            cells,
            {
                "validate": "decimal",
                "criteria": "between",
                "minimum": low if math.isfinite(low) else -_UNBOUNDED,
                "maximum": q.high if math.isfinite(q.high) else _UNBOUNDED,
                "ignore_blank": blank,
                "input_title": title[:32],
                "input_message": f"{q.unit}: {q.range}",
                "error_title": "Not a value for this cell",
                "error_message": f"{label} is in {q.unit}, {q.range}."[:255],
            },
        )

    def merged(self, cells: str, value: str, style: str) -> None:
        self.ws.merge_range(cells, value, self.style(style))

    def fit(self, row: int, texts: dict[str, str]) -> None:
        """Make a row as high as its longest wrapped text needs; LibreOffice and previews do not do it by themselves."""
        lines = max(len(wrap(text, int(self._widths[column_number(column) - 1]))) for column, text in texts.items())
        self.ws.set_row(row - 1, 14 * max(1, lines) + 1)

    def flag_colours(self, cells: str) -> None:
        """Green for a flag of 0, red for any other."""
        for criteria, style in (("equal to", "good"), ("not equal to", "bad")):
            rule = {"type": "cell", "criteria": criteria, "value": 0, "format": self.style(style)}
            self.ws.conditional_format(cells, rule)

    def note_colours(self, cells: str) -> None:
        """Amber for a note that is no failure."""
        rule = {"type": "cell", "criteria": "not equal to", "value": 0, "format": self.style("noted")}
        self.ws.conditional_format(cells, rule)

    def master_colours(self, cell: str) -> None:
        """Green where a master check says that all pass, red otherwise."""
        for criteria, style in (("begins with", "good"), ("not containing", "bad")):
            rule = {"type": "text", "criteria": criteria, "value": "All", "format": self.style(style)}
            self.ws.conditional_format(cell, rule)

    def lowest_colours(self, cells: str) -> None:
        """Green for the lowest figure."""
        self.ws.conditional_format(cells, {"type": "bottom", "value": 1, "format": self.style("good")})

    def sign_colours(self, cells: str) -> None:
        """Red figures below zero."""
        rule = {"type": "cell", "criteria": "less than", "value": 0, "format": self.style("negative")}
        self.ws.conditional_format(cells, rule)
