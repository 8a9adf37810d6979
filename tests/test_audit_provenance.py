"""Where inputs come from: what has no source or date, what changed under its source, what is old, what contradicts."""

import json
from datetime import date

import pytest
import xlsxwriter
from test_audit_template import BENIGN
from test_templates import book as template_book
from test_upgrade import by_hand, of

from xl_econ import cli
from xl_econ.audit import checks  # noqa: F401  (they register themselves)
from xl_econ.audit.registry import CHECKS
from xl_econ.audit.subject import Subject
from xl_econ.tables.store import TABLES
from xl_econ.templates import layout
from xl_econ.workbook.cell import At, address, cell_at
from xl_econ.workbook.parts import Parts

OURS = ("input-unsourced", "input-undated", "price-changed-same-source", "price-stale", "price-conflict")


def found(path, as_of=None):
    subject = Subject(path, as_of=as_of)
    return [
        (name, f.severity or CHECKS[name].severity, f.cell, f.message)
        for name in OURS
        for f in CHECKS[name].run(subject)
    ]


def alarms(path, as_of=None):
    return [(name, cell) for name, severity, cell, _ in found(path, as_of) if severity != "info"]


def foreign(path, rows, headings=("Input", "Unit", "Value", "Source", "As of"), own="2026-06-30"):
    with xlsxwriter.Workbook(str(path)) as book:
        ws = book.add_worksheet("Assumptions")
        ws.write_row("A1", ["Prices as of", own] if own else [])
        ws.write_row("A3", headings)
        for n, row in enumerate(rows):
            ws.write_row(3 + n, 0, row)
        ws.write_formula("A20", "=SUM(C4:C12)", None, sum(r[2] for r in rows if isinstance(r[2], int | float)))
    return path


GOOD = [
    ("GPU price", "USD/GPU-h", 2.5, "https://example.com/prices", "2026-05"),
    ("MFU", "share", 0.4, "our own runs", "2026-01-15"),
    ("Power price", "USD/kWh", 0.08, "EIA table 5.6.A", 2026),
    ("GPUs", "GPU", 512, "plan", "2026-04"),
]


def test_sourced_inputs_are_silent(tmp_path):
    assert found(foreign(tmp_path / "b.xlsx", GOOD)) == []


@pytest.mark.parametrize("nothing", ["", "-", "TBD", "n/a", "unknown"])
def test_without_a_source(nothing, tmp_path):
    rows = [GOOD[0], (*GOOD[1][:3], nothing, "2026-01"), *GOOD[2:]]
    assert alarms(foreign(tmp_path / "b.xlsx", rows)) == [("input-unsourced", "C5")]


def test_without_a_date(tmp_path):
    """Of a price it is a warning, of anything else information; a source that says the year is dated."""
    rows = [(*GOOD[0][:4], ""), (*GOOD[1][:4], ""), (*GOOD[2][:3], "EIA table 5.6.A, March 2026", ""), GOOD[3]]
    path = foreign(tmp_path / "b.xlsx", rows)
    assert [(n, s, c) for n, s, c, _ in found(path)] == [
        ("input-undated", "warning", "C4"),
        ("input-undated", "info", "C5"),
    ]


def test_old_prices(tmp_path):
    """Against the workbook's own day, or the one that is asked for; never against the clock."""
    rows = [(*GOOD[0][:4], "2025-03-01"), (*GOOD[1][:4], "2019"), (*GOOD[2][:4], "2022-12"), GOOD[3]]
    path = foreign(tmp_path / "b.xlsx", rows)
    assert [(n, s, c) for n, s, c, _ in found(path)] == [
        ("price-stale", "info", "C4"),
        ("price-stale", "warning", "C6"),
    ]
    assert "486 days before 2026-06-30" in found(path)[0][3]
    assert alarms(path, date(2026, 3, 2)) == [("price-stale", "C4"), ("price-stale", "C6")]
    assert alarms(path, date(2023, 1, 1)) == []
    undated = found(foreign(tmp_path / "o.xlsx", [*rows, (*GOOD[1][:4], "2062-01-15")], own=""))
    assert [(n, s, c) for n, s, c, _ in undated if n == "price-stale"] == [
        ("price-stale", "info", "C4"),
        ("price-stale", "warning", "C6"),
    ]
    assert "before 2026-04" in undated[-1][3]


def test_the_day_on_the_command_line(tmp_path, capsys):
    path = foreign(tmp_path / "b.xlsx", [(*GOOD[0][:4], "2025-03-01"), *GOOD[1:]])
    assert cli.main(["audit", str(path), "--check", "price-stale", "--as-of", "2026-03-02", "--json"]) == 0
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["cell"], finding["severity"]) == ("C4", "warning")
    assert cli.main(["audit", str(path), "--as-of", "March"]) == 2
    assert "expected a day as 2026-11-23" in capsys.readouterr().err


def test_workbooks_without_such_columns(tmp_path):
    """One line of information for the whole workbook."""
    path = foreign(tmp_path / "b.xlsx", GOOD, headings=("Input", "Unit", "Value", "Who", "When"))
    assert [(n, s, c) for n, s, c, _ in found(path)] == [("input-unsourced", "info", "")]


# -- our own tables ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return of(layout.load("gpu_buy_vs_rent"), tmp_path_factory.mktemp("provenance") / "b.xlsx")


def edited(book, tmp_path, edit):
    source = tmp_path / "b.xlsx"
    source.write_bytes(book.read_bytes())
    return by_hand(source, edit)


def price_edited(book):
    book["Cloud prices"]["K6"] = 2.0


def price_with_a_source(book):
    for cell, value in {"J6": 21.0, "K6": 2.625, "N6": "our contract of May", "O6": "2026-05"}.items():
        book["Cloud prices"][cell] = value


def added(usd, gpu="A100 SXM 80GB"):
    def edit(book):
        sheet = book["Cloud prices"]
        row = sheet.max_row + 1
        key = f"AWS|{gpu}|on-demand|contract"
        cells = [
            key,
            None,
            "AWS",
            "hyperscaler",
            "p4de",
            gpu,
            8,
            "on-demand",
            "latest",
            usd * 8,
            usd,
            "us-east-1",
            None,
        ]
        for column, value in enumerate([*cells, "our contract", "2026-11", "A"], 1):
            sheet.cell(row, column).value = value
        sheet.tables["CloudPrices"].ref = f"A5:P{row}"

    return edit


def test_a_price_that_changed_under_its_source(book, tmp_path):
    of_it = found(edited(book, tmp_path, price_edited), date(2025, 1, 1))
    ((name, severity, cell, message),) = of_it
    assert (name, severity, cell) == ("price-changed-same-source", "error", "K6")
    assert "is 2; the rate card has 2.74470525 from the same source" in message


def test_a_whole_column_in_another_unit(tmp_path):
    """Watts as kilowatts, cell after cell: said once, with the factor."""

    def edit(book):
        for (cell,) in book["Accelerators"]["M6:M39"]:
            cell.value = cell.value / 1000 if cell.value else cell.value

    path = of(layout.load("training_budget"), tmp_path / "b.xlsx")
    ((name, _, cell, message),) = [f for f in found(by_hand(path, edit)) if f[1] != "info"]
    assert (name, cell) == ("price-changed-same-source", "M6")
    watts = sum(1 for row in TABLES["accelerators"].rows.values() if row.tdp_w)
    assert f"and {watts - 1} more of the column, each 0.001 times as much" in message


def test_a_price_with_a_source_of_its_own(book, tmp_path):
    assert alarms(edited(book, tmp_path, price_with_a_source)) == []


def test_prices_that_contradict_the_rate_card(book, tmp_path):
    """15% from what AWS asks is within, three times as much is not; where there is no such offer, nothing is."""
    offers = TABLES["cloud_prices"].rows.items()
    near = next(r.usd_per_gpu_hour for key, r in offers if key.startswith("AWS|A100 SXM 80GB|on-demand|latest"))
    assert alarms(edited(book, tmp_path, added(near * 1.15))) == []
    ((name, cell),) = alarms(edited(book, tmp_path, added(near * 3)))
    assert (name, cell[:1]) == ("price-conflict", "K")
    assert alarms(edited(book, tmp_path, added(near * 3, "H20"))) == []


def test_an_input_that_changed_under_its_source(book, tmp_path):
    """Inputs are there to be typed over: it is said, and no alarm."""
    parts = Parts(book)
    (sheet, row), (_, column) = parts.cell_of("inputs.gpu_usd"), parts.cell_of("inputs.Base")
    where = address(At(cell_at(row).row, cell_at(column).column))

    def edit(book):
        book[sheet][where] = 30000

    path = edited(book, tmp_path, edit)
    assert alarms(path) == []
    assert ("price-changed-same-source", "info", where) in [f[:3] for f in found(path)]


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", layout.names())
def test_templates_are_sourced(name, tmp_path):
    assert alarms(template_book(tmp_path, name)[0]) == []


@pytest.mark.parametrize("edit", [e for e in BENIGN if e != "a row of a table"])
def test_what_people_do_rightly(edit, tmp_path):
    path = of(layout.load("training_budget"), tmp_path / "b.xlsx")
    assert alarms(by_hand(path, BENIGN[edit])) == []
