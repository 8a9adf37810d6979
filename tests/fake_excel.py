"""A small stand-in for Excel behind xlwings' object model, over dictionaries; it does to texts what Excel does.

Names are xlwings' and, behind `api`, Excel's own; a test compares them with xlwings' classes.
"""

import contextlib
import re
from pathlib import Path
from types import SimpleNamespace

import openpyxl
from openpyxl.utils import get_column_letter, range_boundaries

ERROR = -2146826273  # #VALUE! as COM has it


def address(r1, c1, r2, c2):
    first, last = (f"${get_column_letter(c)}${r}" for r, c in ((r1, c1), (r2, c2)))
    return first if first == last else f"{first}:{last}"


class Refused(Exception):
    """What pywin32 raises."""

    def __init__(self, text):
        super().__init__(-2147352567, "Exception occurred.", (0, "Microsoft Excel", text, None, 0, -2146827284), None)


class Range:
    def __init__(self, sheet, r1, c1, r2, c2, more=""):
        self.sheet, self.row, self.column, self._last, self._more = sheet, r1, c1, (r2, c2), more
        self.font = SimpleNamespace(bold=False)

    @property
    def address(self):
        return address(self.row, self.column, *self._last) + self._more

    @property
    def shape(self):
        return self._last[0] - self.row + 1, self._last[1] - self.column + 1

    @property
    def count(self):
        return self.shape[0] * self.shape[1]

    @property
    def number_format(self):
        return self.sheet._formats.get((self.row, self.column), "General")

    def __getitem__(self, key):
        at = self.row + key[0], self.column + key[1]
        return Range(self.sheet, *at, *at)

    def _cells(self):
        return [[(r, c) for c in range(self.column, self._last[1] + 1)] for r in range(self.row, self._last[0] + 1)]

    @property
    def merge_area(self):
        for area in self.sheet._merged:
            if area[0] <= self.row <= area[2] and area[1] <= self.column <= area[3]:
                return Range(self.sheet, *area)
        return self

    @property
    def merge_cells(self):
        found = {Range(self.sheet, *at, *at).merge_area.count > 1 for row in self._cells() for at in row}
        return None if len(found) == 2 else found.pop()

    @property
    def api(self):
        def whole(n, empty):
            got = tuple(tuple(self.sheet._cells.get(at, (empty, None))[n] for at in row) for row in self._cells())
            return got[0][0] if self.count == 1 else got

        return SimpleNamespace(Formula=whole(0, ""), Value2=whole(1, None))

    def _set(self, data):
        sheet = self.sheet
        if sheet.api.ProtectContents or sheet._refusing in self.address:
            raise Refused("The cell or chart you're trying to change is on a protected sheet.")
        rows = data if isinstance(data, list) else [[data]]
        for places, values in zip(self._cells(), rows, strict=True):
            for at, value in zip(places, values, strict=True):
                sheet.writes.append(at)
                sheet._put(at, value)

    raw_value = property(None, _set)


class Sheet:
    def __init__(self, book, name):
        self.book, self.name, self._cells, self._formats, self._merged = book, name, {}, {}, []
        self.tables, self.writes, self._refusing = [], [], "nothing"
        self.known = {}  # what Excel makes of an expression
        self.api = SimpleNamespace(Name=name, ProtectContents=False, Evaluate=self._evaluate, Delete=self._delete)

    def range(self, cell1, cell2=None):
        if isinstance(cell1, str):
            c1, r1, c2, r2 = range_boundaries(cell1.replace("$", ""))
            return Range(self, r1, c1, r2, c2)
        return Range(self, *cell1, *(cell2 or cell1))

    def autofit(self, axis=None):
        pass

    def _delete(self):
        self.book.sheets.remove(self)

    def _put(self, at, value):
        """What Excel makes of a value that it is given."""
        if value is None or value == "":
            self._cells.pop(at, None)
        elif not isinstance(value, str):
            self._cells[at] = (f"{value:.15g}", value)
        elif self._formats.get(at) == "@":
            self._cells[at] = (value, value)
        elif value.startswith("'"):
            self._cells[at] = (value[1:], value[1:])
        elif value[0] in "=+-@":
            self._cells[at] = (f"={value.lstrip('=')}", ERROR)
        elif re.fullmatch(r"\d{4}-\d\d(-\d\d)?|\d+/\d+", value):
            self._cells[at] = ("46000", 46000.0)
        else:
            self._cells[at] = (value, value)

    def set(self, place, formula, value=None):
        """A cell as a user left it."""
        r = self.range(place)
        self._cells[r.row, r.column] = (str(formula), formula if value is None else value)

    def _evaluate(self, text):
        if text in self.known:
            return self.known[text]
        if re.fullmatch(r"\$?[A-Z]{1,3}\$?\d+(:\$?[A-Z]{1,3}\$?\d+)?", text):
            return SimpleNamespace(Value2=self.range(text).api.Value2)
        if re.fullmatch(r'"[^"]*"', text):
            return text[1:-1]
        if re.fullmatch(r"[\d.]+%?", text):
            return float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
        return ERROR


class Sheets(list):
    """xlwings' list of worksheets."""

    def __init__(self, book):
        super().__init__()
        self.book = book

    def __getitem__(self, key):
        return next(s for s in self if s.name == key) if isinstance(key, str) else super().__getitem__(key)

    def add(self, name=None, before=None, after=None):
        self.insert(self.index(after) + 1, Sheet(self.book, name))
        return self[name]


class Native:
    """Excel's own list of sheets, charts among them."""

    def __init__(self, book):
        self._book = book

    def __iter__(self):
        return iter([s.api for s in self._book.sheets] + [SimpleNamespace(Name=n) for n in self._book.charts])

    @property
    def Count(self):
        return len(list(self))

    def __call__(self, n):
        return list(self)[n - 1]

    def Add(self, After, Type):  # noqa: N803  (Excel's names)
        assert After is self(self.Count), "behind the others"
        self._book.take(Path(Type))


class Names(list):
    def add(self, name, refers_to):
        self.append(SimpleNamespace(name=name, refers_to=refers_to, delete=lambda: None))


class Book:
    """A workbook; `fault` is what Excel does wrong when it takes over the sheets of a file."""

    def __init__(self, app, name="Book1.xlsx", sheets=("Sheet1",), path=None):
        self.app, self.name, self.charts, self.fault, self.links = app, name, [], "", []
        self.sheets, self.names = Sheets(self), Names()
        self.sheets.extend(Sheet(self, s) for s in sheets)
        self.api = SimpleNamespace(
            ProtectStructure=False,
            Saved=True,
            FullName=str(path or name),
            Path=str(path.parent) if path else "",
            Sheets=Native(self),
            LinkSources=lambda kind: tuple(self.links) or None,
        )

    def take(self, path):
        """The sheets, tables and names of a file."""
        if self.fault == "refuses":
            raise Refused("Method 'Add' of object 'Sheets' failed")
        texts, values = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
        for found in texts.worksheets:
            sheet = Sheet(self, found.title + (" (2)" if self.fault == "renames" and found.title == "Inputs" else ""))
            self.sheets.append(sheet)
            for row in found.iter_rows():
                for cell in row:
                    value = values[found.title][cell.coordinate].value
                    sheet._formats[cell.row, cell.column] = cell.number_format
                    if cell.value is not None:
                        held = float(value) if type(value) is int else value
                        sheet._cells[cell.row, cell.column] = (str(cell.value), held)
            for table in found.tables.values():
                c1, r1, c2, r2 = range_boundaries(table.ref)
                sheet.tables.append(
                    SimpleNamespace(
                        name=table.displayName + ("1" if self.fault == "renames tables" else ""),
                        header_row_range=Range(sheet, r1, c1, r1, c2),
                        data_body_range=Range(sheet, r1 + 1, c1, r2, c2),
                    )
                )
        for name, defined in texts.defined_names.items():
            elsewhere = self.fault == "names" and name.startswith("results.")
            if not (self.fault == "loses names" and name.startswith("inputs.")):
                self.names.add(name, "=Sheet1!$A$1" if elsewhere else f"={defined.attr_text}")
        if self.fault == "links":
            self.links.append(str(path))


class App:
    """Excel; `answer` is the button that the user presses."""

    def __init__(self, answer="yes"):
        self.answer, self.asked, self.selection, self.calculation = answer, [], None, "automatic"
        self.books = SimpleNamespace(active=SimpleNamespace(name=None))
        self.opened = []
        self.api = SimpleNamespace(Workbooks=SimpleNamespace(Add=self.opened.append))

    def alert(self, prompt, title=None, buttons="ok"):
        self.asked.append(prompt)
        return self.answer

    @contextlib.contextmanager
    def properties(self, **kwargs):
        yield self

    def open(self, *args, **kwargs):
        self.books.active = Book(self, *args, **kwargs)
        return self.books.active
