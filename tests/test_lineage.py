"""Lineage: a number down to its inputs, or up to what depends on it, with labels, units and sources."""

import json

import pytest
import xlsxwriter

from xl_econ.audit.labels import Labels
from xl_econ.audit.lineage import Lineage, Node, trace
from xl_econ.audit.steps import steps
from xl_econ.cli import main
from xl_econ.core.errors import UsageError, WorkbookError
from xl_econ.workbook.graph import Graph
from xl_econ.workbook.scan import scan

EXAMPLE = "workbooks/examples/llama_3_1_405b.xlsx"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A sheet as people write them: labels left, headings above, a total, a cycle, an empty cell that is read."""
    path = tmp_path_factory.mktemp("lineage") / "foreign.xlsx"
    book = xlsxwriter.Workbook(str(path))
    s = book.add_worksheet("My model")
    s.write_row("A1", ["Item", "Unit", 2025, 2026])
    s.write_row("A2", ["Power", "kW", 700, 800])
    s.write_row("A3", ["Price (USD/kWh)", "", 0.06, 0.07])
    s.write_comment("C3", "Tariff sheet 2025")
    s.write("A4", "Bill")
    s.write_formula("C4", "=C2*C3", None, 42)
    s.write_formula("D4", "=D2*D3", None, 56)
    s.write("A5", "Total")
    s.write_formula("C5", "=SUM(C4:D4)+C9", None, 98)
    s.write("A6", "Round")
    s.write_formula("C6", "=C7+1", None, 0)
    s.write_formula("C7", "=C6+1", None, 0)
    s.write_formula("C8", "='[other.xlsx]Sheet1'!B2+C5+C5", None, 1)
    book.define_name("total", "='My model'!$C$5")
    book.close()
    return path


def places(nodes):
    return [(n.depth, n.cell, n.kind) for n in nodes]


def test_a_number_of_a_template_comes_down_to_sourced_inputs():
    nodes = trace_file("results.run_usd")
    assert nodes[0].cell == "D5"
    steps = {n.step for n in nodes}
    assert {"run_usd", "gpu_hours", "train_flop", "flop_per_token", "mfu"} <= steps
    inputs = {(n.sheet, n.cell): n for n in nodes if n.kind == "input"}
    assert len(inputs) > 10
    mfu = inputs["Inputs", "E17"]
    assert (mfu.label, mfu.value, mfu.unit, mfu.as_of) == ("Model FLOPs utilization / Base", 0.41, "share", "2024-07")
    assert "Llama 3" in mfu.source
    assert next(n for n in nodes if n.step == "gpu_hours").unit == "GPU-h"
    seen = {n.at for n in nodes if n.mark == "seen"}
    assert "Inputs!D6" in seen  # the number of the case, which every input reads, is opened once
    assert sum(n.at == "Inputs!D6" and not n.mark for n in nodes) == 1


def trace_file(place, **options):
    from pathlib import Path

    return trace(Path(EXAMPLE), place, **options)


def test_what_depends_on_an_input_reaches_the_results():
    nodes = trace_file("Inputs!E17", dependents=True)
    assert {"Cover", "Results", "Checks"} <= {n.sheet for n in nodes}
    assert nodes[0].kind == "input"


def test_what_reads_an_empty_cell(foreign):
    assert [(n.cell, n.kind) for n in trace(foreign, "'My model'!C9", dependents=True)][:2] == [
        ("C9", "blank"),
        ("C5", "formula"),
    ]


def test_labels_of_a_foreign_sheet(foreign):
    book = scan(foreign)
    labels = Labels(book)
    about = labels.about(book.cell("My model", 2, 4))
    assert (about.label, about.unit) == ("Power / 2026", "kW")
    priced = labels.about(book.cell("My model", 3, 3))
    assert (priced.unit, priced.source) == ("USD/kWh", "Tariff sheet 2025")
    assert labels.names["My model", "C5"] == "total"


def test_ranges_are_summed_up_or_opened(foreign):
    short = trace(foreign, "total")
    assert places(short) == [(0, "C5", "formula"), (1, "C4:D4", "range"), (1, "C9", "blank")]
    assert short[1].summary == {"cells": 2, "formulas": 2, "numbers": 2, "min": 42, "max": 56, "sum": 98}
    assert short[1].label == "Bill / 2025 ... 2026"
    full = trace(foreign, "total", full=True)
    assert (3, "D3", "input") in places(full)


def test_a_cycle_is_said_and_ends(foreign):
    nodes = trace(foreign, "'My model'!C6")
    assert [(n.cell, n.mark) for n in nodes] == [("C6", ""), ("C7", ""), ("C6", "cycle")]


def test_other_workbooks_and_depth(foreign):
    nodes = trace(foreign, "'My model'!$C$8", depth=1)
    assert [n.kind for n in nodes] == ["formula", "outside", "formula"]
    assert "other.xlsx" in nodes[1].cell
    assert nodes[1].cell.endswith("!B2")
    assert nodes[2].mark == "deeper"


@pytest.mark.parametrize(
    ("place", "said"),
    [("Modle", "no Sheet!Cell"), ("'My mdel'!A1", "My model"), ("'My model'!ZZ9", "is empty"), ("totl", "total")],
)
def test_a_wrong_place_is_one_line(foreign, place, said):
    with pytest.raises(UsageError, match=said):
        trace(foreign, place)


def test_a_deep_chain_is_no_deeper_for_the_program(tmp_path):
    path = tmp_path / "deep.xlsx"
    book = xlsxwriter.Workbook(str(path))
    s = book.add_worksheet("S")
    s.write("A1", 1)
    for r in range(1, 5000):
        s.write_formula(r, 0, f"=A{r}+1", None, r + 1)
    book.close()
    nodes = trace(path, "S!A5000", depth=0)
    assert (len(nodes), nodes[-1].cell, nodes[-1].depth) == (5000, "A1", 4999)
    assert trace(path, "S!A5000", depth=3)[-1].mark == "deeper"
    assert len(trace(path, "S!A1", dependents=True, depth=0)) == 5000


def test_too_many_lines_are_refused(foreign, monkeypatch):
    monkeypatch.setattr("xl_econ.audit.lineage.NODES", 2)
    book = scan(foreign)
    assert len(list(Lineage(book).tree(book.cell("My model", 5, 3)))) == 3


def test_the_command_prints_a_tree(foreign, capsys):
    assert main(["trace", str(foreign), "total", "--full"]) == 0
    out = capsys.readouterr().out
    assert "'My model'!C5  Total / 2025  [total]  = 98" in out
    assert "├─ 'My model'!C4:D4  Bill / 2025 ... 2026  2 cells, 2 formulas, min 42, max 56, sum 98" in out
    assert "source: Tariff sheet 2025" in out
    assert "└─ 'My model'!C9  (empty)" in out
    assert main(["trace", str(foreign), "'My model'!C6"]) == 0
    assert "CYCLE" in capsys.readouterr().out


def test_the_command_as_json_and_page(foreign, tmp_path, capsys):
    target = tmp_path / "t.html"
    assert main(["trace", str(foreign), "'My model'!C8", "--json", "--html", str(target)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["direction"] == "precedents"
    assert [n["kind"] for n in found["nodes"]][:3] == ["formula", "outside", "formula"]
    page = target.read_text()
    assert "default-src 'none'" in page
    assert "in another workbook" in page
    assert main(["trace", str(foreign), "total", "--html", str(target)]) == 2
    assert main(["trace", str(foreign), "total", "--html", str(target), "--force"]) == 0
    assert str(target) in capsys.readouterr().out


def test_wrong_options_and_files(foreign, tmp_path, capsys):
    assert main(["trace", str(foreign), "total", "--depth", "-1"]) == 2
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"no package")
    assert main(["trace", str(broken), "S!A1"]) == 4
    with pytest.raises(WorkbookError):
        trace(broken, "S!A1")
    assert capsys.readouterr().err.count("\n") == 2


def test_what_a_workbook_says_is_escaped_in_the_page():
    from xl_econ.commands.trace_page import page

    node = Node(0, "S", "A1", "text", label="<script>alert(1)</script>", value="<b>", mark="cycle")
    text = page("<f>", "dependents", [node])
    assert "<script>" not in text
    assert "What depends on S!A1" in text


def test_a_call_of_one_of_our_functions_shows_its_steps(tmp_path, capsys):
    path = tmp_path / "calls.xlsx"
    book = xlsxwriter.Workbook(str(path))
    s = book.add_worksheet("S")
    s.write_column("A1", [405, 15.6, 989.4, 0.41, 2.5])
    book.define_name("price", "=S!$A$5")
    # 6 x 405e9 x 15.6e12 FLOP over 989.4e12 x 41% FLOP/s, in hours, at 2.50
    usd = 6 * 405e9 * 15.6e12 / (989.4e12 * 0.41) / 3600 * 2.5
    s.write_formula("B1", "=TRAIN_COST(A1,A2,A3,41%,price)", None, usd)
    s.write_formula("B2", "=TRAIN_COST(A1,A2,A3,A4,A5)*2", None, usd * 2)
    s.write_formula("B3", "=TRAIN_COST(A1,A2,A3,A4+0,A5)", None, usd)
    s.write_formula("B4", "=TRAIN_COST(A1,A2,A3)", None, 0)
    s.write_formula("B5", "=(TRAIN_COST(A1,A2,A3,A4,A5))", None, usd)
    book.close()
    nodes = trace(path, "S!B1")
    worked = {n.step: n for n in nodes if n.kind == "step"}
    hours = worked["gpu_hours"]
    assert (hours.unit, hours.value) == ("GPU-h", pytest.approx(usd / 2.5, rel=1e-12))
    assert worked["goodput"].label.endswith("(default)")
    for cell in ("B3", "B5"):
        said = [n.value for n in trace(path, f"S!{cell}") if n.step == "gpu_hours"]
        assert said == [pytest.approx(usd / 2.5, rel=1e-12)]
    for cell in ("B2", "B4"):
        assert not [n for n in trace(path, f"S!{cell}") if n.kind == "step"]
    assert main(["trace", str(path), "S!B1"]) == 0
    assert "├─ · gpu_hours = " in capsys.readouterr().out


def test_arguments_of_a_call_in_their_forms(tmp_path):
    path = tmp_path / "calls.xlsx"
    book = xlsxwriter.Workbook(str(path))
    s = book.add_worksheet("S")
    s.write_column("A1", [405, 15.6, 989.4, 0.41, 2.5])
    formulas = [
        "=TRAIN_COST(A1,A2,A3,A4,A5,,0.1)",  # left out
        '=PEAK_TFLOPS("H100 SXM","bf16")',
        "=TRAIN_COST(A1,A2,A3,TRUE,A5)",  # no share
        "=TRAIN_COST(A1:A2000000,A2,A3,A4,A5)",
        "=TRAIN_COST(A1:A9,A2,A3,A4,A5)",
        "=TRAIN_COST(A1,A2,A3,A4,A5)+SUM(A1)",
        "=SUM(A1,A2)",
        "=TRAIN_COST(C9,A2,A3,A4,A5)",
    ]
    for r, text in enumerate(formulas):
        s.write_formula(r, 1, text, None, 1)
    book.close()
    cells = scan(path)
    found = [[x.name for x in steps(cells.cell("S", r + 1, 2), Graph(cells))] for r in range(len(formulas))]
    assert "gpu_hours" in found[0]
    assert "overhead" not in found[0]
    assert "goodput" in found[0]
    assert not any(found[2:])


PRICES = [["GPU", "USD/h", "W"], ["A100", 1.5, 400], ["H100", 2.5, 700], ["B200", 4.5, 1000]]
# A formula, and what stands below it: a cell that a look-up finds with the area in which it does.
LOOK_UPS = [
    ("=VLOOKUP(E1,A1:C4,2,FALSE)", [("E1", ""), ("B3", "S!A1:C4")]),
    ("=VLOOKUP(E1,A1:C4,E3,0)*8", [("E1", ""), ("E3", ""), ("C3", "S!A1:C4")]),
    ("=HLOOKUP(E2,A1:C4,3,FALSE)", [("E2", ""), ("C3", "S!A1:C4")]),
    ("=INDEX(B2:B4,MATCH(E1,A2:A4,0))", [("E1", ""), ("B3", "S!B2:B4")]),
    ("=INDEX(A1:C4,MATCH(E1,A1:A4,0),MATCH(E2,A1:C1,0))", [("E1", ""), ("E2", ""), ("C3", "S!A1:C4")]),
    ("=INDEX(B2:B4,2)+SUM(B2:B4)", [("B3", "S!B2:B4"), ("B2:B4", "")]),
    ("=_xlfn.XLOOKUP(E1,A2:A4,B2:B4)", [("E1", ""), ("B3", "S!B2:B4")]),
    ('=_xlfn.XLOOKUP(E1,A2:A4,B2:B4,"none",0)', [("E1", ""), ("B3", "S!B2:B4")]),
    ("=IFERROR(VLOOKUP(E1,prices,2,FALSE),E3)", [("E1", ""), ("E3", ""), ("B3", "S!A1:C4")]),
    ("=VLOOKUP(INDEX(A2:A4,3),A1:C4,2,FALSE)", [("A4", "S!A2:A4"), ("B4", "S!A1:C4")]),
    # What is found by order, by pattern, or not at all is not told: the table is shown.
    ("=VLOOKUP(E1,A1:C4,2)", [("A1:C4", ""), ("E1", "")]),
    ("=VLOOKUP(E4,A1:C4,2,FALSE)", [("A1:C4", ""), ("E4", "")]),
    ('=VLOOKUP("H*",A1:C4,2,FALSE)', [("A1:C4", "")]),
    ("=_xlfn.XLOOKUP(E1,A2:A4,B2:B4,0,-1)", [("A2:A4", ""), ("B2:B4", ""), ("E1", "")]),
]


@pytest.fixture(scope="module")
def looking_up(tmp_path_factory):
    path = tmp_path_factory.mktemp("found") / "prices.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        s = book.add_worksheet("S")
        for r, cells in enumerate(PRICES):
            s.write_row(r, 0, cells)
        s.write_column("E1", ["h100", "W", 3, "L4"])
        for r, (text, _) in enumerate(LOOK_UPS):
            s.write_formula(r, 6, text, None, 1)
        book.define_name("prices", "=S!$A$1:$C$4")
    return path


@pytest.mark.parametrize("n", range(len(LOOK_UPS)), ids=[text for text, _ in LOOK_UPS])
def test_of_a_look_up_the_cell_that_it_finds_is_shown(looking_up, n):
    below = [(x.cell, x.found_in) for x in trace(looking_up, f"S!G{n + 1}") if x.depth == 1]
    assert sorted(below) == sorted(LOOK_UPS[n][1])


def test_the_command_says_where_it_was_found_and_shows_the_table_on_request(looking_up, tmp_path, capsys):
    target = tmp_path / "t.html"
    assert main(["trace", str(looking_up), "S!G1", "--html", str(target)]) == 0
    assert "S!B3  H100 / USD/h  = 2.5 USD/h  input  found in S!A1:C4" in capsys.readouterr().out
    assert "found in S!A1:C4" in target.read_text()
    assert main(["trace", str(looking_up), "S!G1", "--full"]) == 0
    out = capsys.readouterr().out
    assert "S!A1:C4" in out
    assert "S!B4" in out
    assert "found in" not in out
