"""What a formula reads and who reads a cell, over every way to name an area."""

import pytest
import xlsxwriter

from xl_econ.workbook.graph import Graph, Place
from xl_econ.workbook.scan import scan


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "g.xlsx"
    book = xlsxwriter.Workbook(str(path))
    s, other, third = book.add_worksheet("S"), book.add_worksheet("My sheet"), book.add_worksheet("C2")
    for row in range(5):
        s.write_number(row, 0, row)
        other.write_number(row, 0, row)
    s.add_table("H1:J4", {"name": "Prices", "columns": [{"header": h} for h in ("key", "usd", "of [x]")]})
    for text, cell in FORMULAS:
        s.write_formula(cell, text, None, 1)
    third.write_number("A1", 1)
    book.define_name("rate", "='My sheet'!$A$2")
    book.define_name("both", "=SUM(S!$A$1:$A$2)+rate")
    book.define_name("S!local", "=S!$A$3")
    book.close()
    return Graph(scan(path))


FORMULAS = [
    ("=A1+$A$2", "C1"),
    ("=SUM(A1:A3)", "C2"),
    ("='My sheet'!A4*2", "C3"),
    ("=SUM('My sheet:C2'!A1)", "C4"),
    ("=rate*both", "C5"),
    ('=local&"A1"&"rate"', "C6"),
    ("=SUM(Prices[usd])", "C7"),
    ("=VLOOKUP(1,Prices[[key]:[usd]],2,FALSE)", "C8"),
    ("=SUM(Prices[#All])+ROWS(Prices)", "C9"),
    ("=Prices[@usd]", "K2"),
    ("=SUM(B:B)+SUM(7:8)", "C10"),
    ("=[1]Sheet1!A1+gone+C2!A1+N(TRUE)", "C11"),
    ("=SUM(Prices[[#Headers],[#Data],[key]])", "C12"),
]
READS = {
    "C1": [("S", (1, 1, 1, 1)), ("S", (2, 2, 1, 1))],
    "C2": [("S", (1, 3, 1, 1))],
    "C3": [("My sheet", (4, 4, 1, 1))],
    "C4": [("My sheet", (1, 1, 1, 1)), ("C2", (1, 1, 1, 1))],
    "C5": [("My sheet", (2, 2, 1, 1)), ("S", (1, 2, 1, 1)), ("My sheet", (2, 2, 1, 1))],
    "C6": [("S", (3, 3, 1, 1))],
    "C7": [("S", (2, 4, 9, 9))],
    "C8": [("S", (2, 4, 8, 9))],
    "C9": [("S", (1, 4, 8, 10)), ("S", (2, 4, 8, 10))],
    "K2": [("S", (2, 2, 9, 9))],
    "C10": [("S", (1, 1_048_576, 2, 2)), ("S", (7, 8, 1, 16_384))],
    "C11": [("C2", (1, 1, 1, 1))],
    "C12": [("S", (1, 4, 8, 8))],
}


@pytest.mark.parametrize("cell", READS)
def test_what_a_formula_reads(graph, cell):
    held = next(c for _, c in graph.book.cells() if (c.sheet, c.at) == ("S", cell))
    assert graph.precedents(held) == [Place(*p) for p in READS[cell]]


def test_who_reads_a_cell(graph):
    assert [c.at for c in graph.dependents("S", 1, 1)] == ["C1", "C2", "C5"]
    assert [c.at for c in graph.dependents("My sheet", 2, 1)] == ["C5"]
    assert {c.at for c in graph.dependents("S", 3, 9)} == {"C7", "C8", "C9"}
    assert graph.dependents("S", 100, 100) == []


def test_the_cells_of_an_area(graph):
    assert [c.shown for c in graph.cells(Place("S", (1, 3, 1, 1)))] == [0, 1, 2]
    assert len(list(graph.cells(Place("S", (1, 1_048_576, 1, 1))))) == 5
    assert list(graph.cells(Place("Gone", (1, 1, 1, 1)))) == []
