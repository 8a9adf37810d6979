"""Promise: what the checks are shown of a sheet, block by block, is what a walk over every cell would find."""

import random

import pytest
import xlsxwriter

from xl_econ.audit.subject import Subject
from xl_econ.workbook.graph import Place
from xl_econ.workbook.recalc import Computing

SIZE = 12
FORMULAS = ("={0}1*2", "=A{1}+{0}$3", "=SUM($B$2:$C{1})", "=SUM(F:F)")
STEPS = ((0, 1), (1, 0))


class NoEngine(Computing):
    """Computes nothing."""

    def __init__(self, path):
        self.path, self.engine = path, "ironcalc"

    def tell(self, formulas):
        self.told = formulas

    def values(self):
        return []


@pytest.fixture(scope="module", params=range(20))
def subject(request, tmp_path_factory):
    """A sheet of numbers, copies, texts and gaps, in stretches as people write them."""
    rng, path = random.Random(request.param), tmp_path_factory.mktemp("subject") / "b.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, percent = book.add_worksheet("S"), book.add_format({"num_format": "0%"})
        for row in range(SIZE):
            kind = rng.randrange(7)
            for column in range(SIZE):
                kind = rng.randrange(7) if rng.random() < 0.4 else kind
                if kind < len(FORMULAS):
                    name = xlsxwriter.utility.xl_col_to_name(max(0, column - 1))
                    sheet.write_formula(
                        row, column, FORMULAS[kind].format(name, row + 1), None, rng.choice([1, "", "x"])
                    )
                elif kind == len(FORMULAS):
                    sheet.write_number(row, column, rng.randrange(9), rng.choice([None, percent]))
                elif kind == len(FORMULAS) + 1:
                    sheet.write_string(row, column, rng.choice(["x", " ", "GPU"]))
    return Subject(path, NoEngine(path))


def at(cells):
    return sorted((c.row, c.column) for c in cells)


def is_typed(cell):
    return cell.is_number and not cell.formula


def test_cells_by_kind(subject):
    sheet = subject.book.sheets["S"]
    census, cells = sheet.census, sheet.cells.values()
    columns = census.columns.values()
    texts = [c for c in cells if isinstance(c.shown, str)]
    said = sorted((c.row, c.column) for c in texts if c.shown.strip())
    assert at(c for k in columns for c in k.cells) == at(c for row in census.rows.values() for c in row) == at(cells)
    assert at(c for k in columns for c in k.formulas) == at(subject.formulas) == at(c for c in cells if c.formula)
    assert at(c for k in columns for c in k.numbers) == at(filter(is_typed, cells))
    assert at(census.texts) == at(texts)
    assert sorted((row, c) for row, held in census.text_columns.items() for c in held) == said
    assert sorted((row, c) for c, held in census.text_rows.items() for row in held) == said
    blank = at(c for c in texts if c.shown.isspace())
    assert sorted((row, c) for row, held in census.white_columns.items() for c in held) == blank
    assert sorted((row, c) for c, held in census.white_rows.items() for row in held) == blank
    assert at(c for _, held in census.looks for c in held) == at(c for c in cells if c.is_number)
    assert all(c.look is look for look, held in census.looks for c in held)


def test_inputs(subject):
    sheet = subject.book.sheets["S"]
    places = {p for c in subject.formulas for p in subject.graph.precedents(c)}
    read = [c for c in filter(is_typed, sheet.cells.values()) if any(_holds(p.area, c) for p in places)]
    assert at(subject.inputs) == at(read)
    assert subject.inputs == sorted(subject.inputs, key=lambda c: (c.column, c.row))
    shown = [c for _, held in subject.formatted_inputs for c in held]
    assert at(shown) == at(c for c in read if c.format != "General")


def test_what_an_area_lacks(subject):
    sheet, rng = subject.book.sheets["S"], random.Random(1)
    for _ in range(40):
        (top, bottom), (left, right) = (sorted(rng.randrange(1, SIZE + 4) for _ in range(2)) for _ in range(2))
        empty = {
            (row, column)
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
            if (c := sheet.at(row, column)) is None or (not c.formula and c.shown == "")
        }
        found = subject.empty(Place("S", (top, bottom, left, right)))
        assert set(found) == empty
        assert len(found) == len(empty)
    assert subject.empty(Place("gone", (1, 1, 2, 3))) == [(1, 2), (1, 3)]


def test_numbers_beside_copies(subject):
    """Of two copies on one side, or of one on either side in a row."""
    sheet = subject.book.sheets["S"]

    def copies(cell, step, way):
        found = [sheet.at(cell.row + step[0] * way * n, cell.column + step[1] * way * n) for n in (1, 2)]
        return [c.key for c in found if c is not None and c.formula and c.key == getattr(found[0], "key", "")]

    wanted = set()
    for cell in filter(is_typed, sheet.cells.values()):
        for step in STEPS:
            before, after = copies(cell, step, -1), copies(cell, step, 1)
            if len(before) > 1 or len(after) > 1 or (step == STEPS[0] and before and before[:1] == after[:1]):
                wanted.add((cell.row, cell.column))
    found = subject.beside_copies["S"]
    assert wanted <= set(at(found))
    assert all(map(is_typed, found))
    assert found == sorted(found, key=lambda c: (c.column, c.row))


def _holds(area, cell):
    top, bottom, left, right = area
    return top <= cell.row <= bottom and left <= cell.column <= right
