"""The rate card: one edit counts in every host, and what cannot be accepted is refused with its sheet and cell."""

import datetime
import json
import re
import subprocess
import sys
import zipfile

import openpyxl
import pytest
from conftest import ENGINES
from openpyxl.worksheet.table import Table as ExcelTable
from test_templates import parts

import xl_econ
from xl_econ import cli
from xl_econ.core.errors import CELL_ERRORS, TableError, WorkbookError
from xl_econ.hosts import udf
from xl_econ.tables import table
from xl_econ.tables.rows import choices, quantity
from xl_econ.tables.store import RATE_CARD as TABLES
from xl_econ.templates import layout
from xl_econ.workbook import rate_card
from xl_econ.workbook.read import formulas
from xl_econ.workbook.recalc import differences, libreoffice, recalculate

SHIPPED = layout.folder().parent / "workbooks" / "rate_card.xlsx"
KEY = "H100 SXM 80GB"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Every access looks at the file, and no card stays in use."""
    monkeypatch.setattr(rate_card, "FRESH_SECONDS", 0)
    yield
    xl_econ.use_rate_card(None)


def at(sheet, key, column):
    """The cell of a figure in a table sheet of the shipped card."""
    n = {c.value: c.column for c in sheet[5]}[column]
    return next(r[n - 1] for r in sheet.iter_rows(min_row=6) if r[0].value == key)


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A card with few tables, which is read in a third of the time."""

    def change(book):
        for name in set(book.sheetnames) - {"Cover", "Accelerators", "TrainingRuns", "MfuTypical", "CloudPrices"}:
            del book[name]

    return card(tmp_path_factory.mktemp("small"), change)


def card(folder, change=lambda book: None, name="company.xlsx", of=SHIPPED):
    book = openpyxl.load_workbook(of)
    change(book)
    book.save(folder / name)
    return folder / name


def priced(folder, tflops=500.0, **how):
    def change(book):
        at(book["Accelerators"], KEY, "bf16").value = tflops

    return card(folder, change, **how)


def cells(changes):
    """A change that writes cells: {"Accelerators!F7": value}."""

    def change(book):
        for where, value in changes.items():
            sheet, cell = where.split("!")
            book[sheet][cell].value = value

    return change


def run(capsys, *args):
    code = cli.main([str(a) for a in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# -- the workbook -----------------------------------------------------------------------------------------------
def test_the_shipped_card_is_the_template():
    assert parts(SHIPPED) == parts(layout.folder() / "rate_card.xlsx"), "rate_card.xlsx is stale: run make generate"


def test_reading_it_back_gives_the_shipped_rows():
    found = rate_card.read(SHIPPED)
    assert set(found) == set(TABLES)
    for name, rows in found.items():
        assert rows == TABLES[name].shipped


@pytest.mark.parametrize("t", TABLES.values(), ids=lambda t: t.name)
def test_every_table_is_a_sheet_to_edit(t):
    book = openpyxl.load_workbook(SHIPPED)
    sheet = book[t.sheet]
    assert sheet.tables[t.sheet].ref.startswith("A5:")
    assert [c.value for c in sheet[5]][: len(t.columns)] == t.columns, "what the sheet works out stands to the right"
    assert sheet.freeze_panes == "B6"
    assert sheet.print_title_rows == "$5:$5"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    checked = {next(iter(v.sqref.ranges)).min_col: v for v in sheet.data_validations.dataValidation}
    for n, column in enumerate(t.columns, 1):
        q, allowed = quantity(t.model, column), choices(t.model, column)
        unit = sheet.cell(4, n).value
        if allowed:
            assert checked[n].formula1 == '"' + ",".join(allowed) + '"'
        elif q and not q.is_text:
            assert unit == q.unit
            assert checked[n].type == "decimal"
            assert float(checked[n].formula2) == min(q.high, 1e300)
            assert (float(checked[n].formula1) > max(q.low, -1e300)) == (q.positive and q.low == 0)
        else:
            assert not unit
            assert n not in checked
    assert checked[len(t.columns)].formula1 == '"A,B,C,D"'


def test_the_cover_leads_to_every_sheet():
    cover = openpyxl.load_workbook(SHIPPED)["Cover"]
    texts = " ".join(str(c.value) for row in cover.iter_rows() for c in row if c.value)
    links = {c.hyperlink.location for row in cover.iter_rows() for c in row if c.hyperlink}
    assert links >= {f"'{t.sheet}'!A1" for t in TABLES.values()}
    assert xl_econ.__version__ in texts
    assert "--rate-card" in texts
    assert rate_card.VARIABLE in texts


def test_new_writes_it(tmp_path, capsys):
    code, out, _ = run(capsys, "new", "rate_card", "-o", tmp_path, "--json")
    assert code == 0
    assert json.loads(out)["results"]["prices_conflicting"]["unit"] == "prices"
    assert parts(tmp_path / "rate_card.xlsx") == parts(SHIPPED)
    assert "Prices in conflict" in run(capsys, "new", "rate-card", "-o", tmp_path / "own.xlsx")[1]
    assert "rate_card" in run(capsys, "new")[1]
    assert run(capsys, "new", "rate_card")[0] == 2
    assert run(capsys, "new", "rate_card", "-o", tmp_path / "x.csv")[0] == 2
    assert run(capsys, "new", "rate_card", "-o", tmp_path / "l.xlsx", "--flavour", "lambda")[0] == 0
    assert rate_card.read(tmp_path / "l.xlsx") == rate_card.read(SHIPPED)


def test_new_carries_a_company_card_into_a_new_one(tmp_path, capsys):
    path = priced(tmp_path)
    assert run(capsys, "new", "rate_card", "--rate-card", path, "-o", tmp_path / "next.xlsx")[0] == 0
    assert rate_card.read(tmp_path / "next.xlsx") == rate_card.read(path)


# -- one edit, every host ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_counts_in_every_host(engine, tmp_path, capsys):
    path = priced(tmp_path)
    # the command line
    assert run(capsys, "calc", "GPU_SPEC", "h100", "bf16", "--rate-card", path)[1] == "500 TFLOP/s/GPU\n"
    assert (
        json.loads(run(capsys, "explain", "GPU_SPEC", "h100", "bf16", "--json", "--rate-card", path)[1])["value"] == 500
    )
    listed = json.loads(run(capsys, "tables", "accelerators", "--json", "--rate-card", path)[1])
    assert next(r for r in listed["rows"] if r["accelerator"] == KEY)["bf16"] == 500
    assert listed["from"] == "company.xlsx"
    # a filled template: the table, the cost, and the cover that says so
    found = {}
    for name, option in (("own", ["--rate-card", path]), ("shipped", [])):
        out = tmp_path / f"{name}.xlsx"
        args = [
            "fill",
            "training_budget",
            "--set",
            "mfu=0.4",
            "-o",
            out,
            "--json",
        ]
        code, text, err = run(capsys, *args, *option)
        assert (code, err) == (0, "")
        found[name] = json.loads(text)["results"]["gpu_hours"]["value"]
        book = openpyxl.load_workbook(out, data_only=True)
        said = [r[2].value for r in book["Cover"].iter_rows() if r[1].value == "Rate card"]
        assert said == ([f"company.xlsx: {', '.join(t.sheet for t in TABLES.values())}"] if option else [])
        assert at(book["Accelerators"], KEY, "bf16").value == (500 if option else 989.4)
        assert list(differences(formulas(out), recalculate(out, engine), 1e-12)) == []
    assert found["own"] / found["shipped"] == pytest.approx(989.4 / 500, rel=1e-12)
    # Python and UDFs
    assert xl_econ.gpu_spec("H100", "bf16") == 989.4, "the option holds for its command"
    xl_econ.use_rate_card(path)
    assert xl_econ.gpu_spec("H100", "bf16") == 500
    assert xl_econ.gpu_spec(["H100", "A100"], ["bf16"]) == [500, 312]
    assert udf.GPU_SPEC("H100", "bf16") == [[500]]
    assert udf.EXPLAIN("GPU_SPEC", "H100", "bf16")[-1][2] == 500
    xl_econ.use_rate_card(None)
    assert udf.GPU_SPEC("H100", "bf16") == [[989.4]]


def test_a_new_row_and_an_alias_are_found(tmp_path):
    def change(book):
        sheet = book["Accelerators"]
        last = sheet.max_row + 1
        own = {"accelerator": "Our X1", "aliases": "X1; chip one", "vendor": "us", "bf16": 700, "hbm_gb": 96}
        own |= {
            "hbm_tbps": 4,
            "launch": datetime.datetime(2026, 5, 1),
            "source": "contract 7",
            "as_of": 2026,
            "grade": "A",
        }
        for n, cell in enumerate(sheet[5], 1):
            sheet.cell(last, n).value = own.get(cell.value)
        sheet.tables["Accelerators"].ref = f"A5:{sheet.cell(last + 2, sheet.max_column).coordinate}"  # and blank rows

    xl_econ.use_rate_card(card(tmp_path, change))
    assert xl_econ.gpu_spec("chip ONE", "bf16") == 700
    assert xl_econ.gpu_spec("X1", "launch") == "2026-05-01", "a date that Excel made of a typed text"
    assert xl_econ.gpu_spec("X1", "as_of") == "2026"
    assert len(TABLES["accelerators"].rows) == len(TABLES["accelerators"].shipped) + 1


def test_interpolated_tables_are_read_too(tmp_path):
    def change(book):
        at(book["MfuTypical"], 8, "mid").value = 0.52

    assert xl_econ.mfu_typical(8) == 0.5
    xl_econ.use_rate_card(card(tmp_path, change))
    assert xl_econ.mfu_typical(8) == 0.52


@pytest.mark.parametrize("values", [(8, 1), (1,)])
def test_a_table_that_is_interpolated_needs_sorted_rows(values, tmp_path):
    def change(book):
        sheet = book["MfuTypical"]
        for row, gpus in enumerate(values, 6):
            sheet.cell(row, 1).value = gpus
        for row in range(6 + len(values), sheet.max_row + 1):
            sheet.cell(row, 1).value = None
        sheet.tables["MfuTypical"].ref = f"A5:{sheet.cell(5 + len(values), sheet.max_column).coordinate}"

    xl_econ.use_rate_card(card(tmp_path, change))
    with pytest.raises(TableError, match="mfu_typical: column gpus: needs two rows or more, sorted upwards"):
        xl_econ.mfu_typical(8)


def test_a_table_that_is_not_held_is_the_shipped_one(tmp_path, capsys):
    def change(book):
        for name in book.sheetnames:
            if name != "Accelerators":
                del book[name]
        at(book["Accelerators"], KEY, "bf16").value = 500
        book["Accelerators"].title = "Chips & Co"

    path = card(tmp_path, change)
    xl_econ.use_rate_card(path)
    assert xl_econ.gpu_spec("H100", "bf16") == 500
    assert xl_econ.mfu_typical(8) == 0.5
    origin = {t["table"]: t["from"] for t in json.loads(run(capsys, "tables", "--json")[1])}
    assert origin.pop("accelerators") == "company.xlsx"
    assert set(origin.values()) == {"shipped"}
    assert "company.xlsx" in run(capsys, "tables")[1]


def test_renamed_sheets_and_moved_tables(tmp_path):
    """Only the Table's name counts; headings may stand in another order, a totals row is no row."""

    def change(book):
        old = book["Accelerators"]
        header, *rows = [[c.value for c in r] for r in old.iter_rows(min_row=5)]
        units = [c.value for c in old[4]]
        order = sorted(range(len(header)), key=lambda n: header[n])
        del book["Accelerators"]
        new = book.create_sheet("Our prices")
        for r, row in enumerate([units, header, *rows, ["Total"] * len(header)], 20):
            for c, n in enumerate(order, 3):
                new.cell(r, c).value = row[n]
        last = new.cell(21 + len(rows) + 1, 2 + len(header)).coordinate
        new.add_table(ExcelTable(displayName="Accelerators", ref=f"C21:{last}", totalsRowCount=1))
        book["MfuTypical"].title = "MFU"

    path = card(tmp_path, change)
    assert rate_card.read(path) == {name: t.shipped for name, t in TABLES.items()}
    book = openpyxl.load_workbook(path)
    n = next(c for c in book["Our prices"][21] if c.value == "bf16")
    n.offset(2).value = -3
    book.save(path)
    with pytest.raises(TableError) as e:
        rate_card.read(path)
    assert str(e.value).startswith(
        f"company.xlsx, 'Our prices'!{n.offset(2).coordinate}, column bf16: -3: must be above 0"
    )


def test_a_formula_counts_with_its_stored_value(tmp_path):
    """A card that LibreOffice or Excel has calculated may hold formulas."""
    path = card(tmp_path)
    book = openpyxl.load_workbook(path)
    cell, blank = at(book["Accelerators"], KEY, "bf16"), at(book["Accelerators"], KEY, "fp4")
    cell.value, blank.value = "=1000/2", '=IF(1,"","x")'
    book.save(path)
    with zipfile.ZipFile(path) as package:
        held = {n: package.read(n) for n in package.namelist()}
    sheet = next(n for n in held if b"1000/2" in held[n])
    held[sheet] = re.sub(rb"(<f>1000/2</f>)<v ?/>|(<f>1000/2</f>)<v></v>", rb"<f>1000/2</f><v>500</v>", held[sheet])
    was = f'<c r="{blank.coordinate}"'.encode()
    start = held[sheet].index(was)
    end = held[sheet].index(b"</c>", start)
    text = held[sheet][start:end].replace(was, was + b' t="str"')
    held[sheet] = held[sheet][:start] + text + held[sheet][end:]
    with zipfile.ZipFile(path, "w") as package:
        for name, data in held.items():
            package.writestr(name, data)
    row = rate_card.read(path)["accelerators"][KEY]
    assert (row.bf16, row.fp4) == (500, None)


# -- the environment, and what is in use ------------------------------------------------------------------------
def test_the_environment_variable(tmp_path, monkeypatch, capsys):
    own, other = priced(tmp_path), priced(tmp_path, 600.0, name="other.xlsx")
    monkeypatch.setenv(rate_card.VARIABLE, str(own))
    assert xl_econ.gpu_spec("H100", "bf16") == 500
    assert run(capsys, "calc", "GPU_SPEC", "H100", "bf16")[1] == "500 TFLOP/s/GPU\n"
    assert run(capsys, "calc", "GPU_SPEC", "H100", "bf16", "--rate-card", other)[1] == "600 TFLOP/s/GPU\n"
    xl_econ.use_rate_card(other)
    assert xl_econ.gpu_spec("H100", "bf16") == 600
    assert rate_card.current() == other
    xl_econ.use_rate_card(None)
    assert xl_econ.gpu_spec("H100", "bf16") == 500
    monkeypatch.setenv(rate_card.VARIABLE, "")
    assert xl_econ.gpu_spec("H100", "bf16") == 989.4


@pytest.mark.parametrize(
    "code",
    [
        "import xl_econ; print(xl_econ.gpu_spec('H100', 'bf16'))",
        "from xl_econ.hosts import udf; print(udf.GPU_SPEC('H100', 'bf16'))",
        "from xl_econ.cli import main; main(['calc', 'GPU_SPEC', 'H100', 'bf16'])",
        "from xl_econ.templates import model, layout, fill\n"
        "print(fill.model(layout.load('training_budget'), fill.Case('x')).value('peak_tflops'))",
    ],
)
def test_the_environment_variable_in_a_process_of_its_own(code, tmp_path, monkeypatch):
    monkeypatch.setenv(rate_card.VARIABLE, str(priced(tmp_path)))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.lstrip("[").startswith("500")


def test_a_file_that_changes_is_read_again(tmp_path, monkeypatch):
    reads = []
    read = rate_card.read
    monkeypatch.setattr(rate_card, "read", lambda path: reads.append(path) or read(path))
    path = priced(tmp_path)
    xl_econ.use_rate_card(path)
    for _ in range(3):
        assert xl_econ.gpu_spec("H100", "bf16") == 500
    assert len(reads) == 1
    priced(tmp_path, 600.5)
    assert xl_econ.gpu_spec("H100", "bf16") == 600.5
    assert len(reads) == 2
    path.unlink()
    with pytest.raises(WorkbookError, match="No such file or directory"):
        xl_econ.gpu_spec("H100", "bf16")


def test_a_card_that_is_refused_leaves_what_was_in_use(tmp_path):
    good = priced(tmp_path)
    bad = card(tmp_path, cells({"Accelerators!F7": -3}), "bad.xlsx")
    xl_econ.use_rate_card(good)
    with pytest.raises(TableError):
        xl_econ.use_rate_card(bad)
    assert xl_econ.gpu_spec("H100", "bf16") == 500


def test_a_bad_card_in_every_host(tmp_path, monkeypatch, capsys):
    """Never the shipped figures by accident: every host says what is wrong, and reads the file once."""
    path = card(tmp_path, cells({"Accelerators!F7": -3}))
    text = "company.xlsx, Accelerators!F7, column bf16: -3: must be above 0 and at most 1,000,000 (in TFLOP/s)"
    reads = []
    read = rate_card.read
    monkeypatch.setattr(rate_card, "read", lambda path: reads.append(path) or read(path))
    code, out, err = run(capsys, "calc", "TRAIN_DAYS", "24", "1", "--rate-card", path)
    assert (code, out, err) == (3, "", f"xl-econ: {text}\n")
    monkeypatch.setenv(rate_card.VARIABLE, str(path))
    with pytest.raises(TableError):
        xl_econ.gpu_spec("H100", "bf16")
    assert udf.GPU_SPEC((("H100",), ("A100",)), "bf16") == [["#VALUE!"], ["#VALUE!"]]
    assert udf.WHY(1) == [[f"GPU_SPEC: {text}"]]
    assert len(reads) == 1
    assert run(capsys, "fill", "training_budget", "--set", "mfu=0.4", "--dry-run")[0] == 3


# -- refusals ---------------------------------------------------------------------------------------------------
def _drop(table, column):
    def change(book):
        sheet = book[table]
        n = next(c.column for c in sheet[5] if c.value == column)
        ref = sheet.tables[table].ref
        sheet.delete_cols(n)
        last = sheet.cell(int(ref.split(":")[1].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")), sheet.max_column).coordinate
        del sheet.tables[table]
        sheet.add_table(ExcelTable(displayName=table, ref=f"A5:{last}"))

    return change


def _rename(old, new):
    def change(book):
        sheet = book[old]
        ref = sheet.tables[old].ref
        del sheet.tables[old]
        sheet.add_table(ExcelTable(displayName=new, ref=ref))

    return change


def _no_rows(book):
    book["MfuTypical"].tables["MfuTypical"].ref = "A5:J6"
    for row in book["MfuTypical"].iter_rows(min_row=6):
        for cell in row:
            cell.value = None


def _row_below(book):
    """As a program leaves it that adds a row and does not widen the table."""
    book["CloudPrices"].append([c.value for c in book["CloudPrices"][6]])


def _table_lost(book):
    del book["CloudPrices"].tables["CloudPrices"]


def _only_cover(book):
    for name in book.sheetnames[1:]:
        del book[name]


def _headless(book):
    book["MfuTypical"].tables["MfuTypical"].headerRowCount = 0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (cells({"Accelerators!F7": -3}), "Accelerators!F7, column bf16: -3: must be above 0"),
        (cells({"Accelerators!F7": 0}), "Accelerators!F7, column bf16: 0: must be above 0"),
        (cells({"Accelerators!F7": 312e12}), "Accelerators!F7, column bf16: 3.12e+14: in TFLOP/s, write 312"),
        (cells({"Accelerators!F7": "fast"}), "Accelerators!F7, column bf16: 'fast': expected a number in TFLOP/s"),
        (cells({"Accelerators!F7": "312"}), "Accelerators!F7, column bf16: '312': expected a number in TFLOP/s"),
        (cells({"Accelerators!F7": True}), "Accelerators!F7, column bf16: True: expected a number"),
        (cells({"Accelerators!F7": datetime.datetime(2026, 1, 1)}), "Accelerators!F7, column bf16: datetime"),
        *(
            (cells({"Accelerators!F7": e}), f"Accelerators!F7, column bf16: {e}: an error value")
            for e in CELL_ERRORS
            if e in openpyxl.cell.cell.ERROR_CODES
        ),
        (cells({"Accelerators!C7": "#REF!"}), "Accelerators!C7, column vendor: #REF!: an error value"),
        (cells({"Accelerators!C7": True}), "Accelerators!C7, column vendor: True: input should be a valid string"),
        (cells({"Accelerators!F7": "=1000/2"}), "Accelerators!F7, column bf16: the formula has no stored value"),
        (cells({"Accelerators!C7": '="NV"'}), "Accelerators!C7, column vendor: the formula has no stored value"),
        (cells({"Accelerators!C7": None}), "Accelerators!C7, column vendor: is empty"),
        (cells({"Accelerators!C7": "  "}), "Accelerators!C7, column vendor: is empty"),
        (cells({"Accelerators!K9": None}), "Accelerators!K9, column hbm_gb: is empty"),
        (cells({"Accelerators!S7": "E"}), "Accelerators!S7, column grade: 'E': "),
        (cells({"Accelerators!R7": "yesterday"}), "Accelerators!R7, column as_of: 'yesterday': "),
        (cells({"TrainingRuns!N6": "maybe"}), "TrainingRuns!N6, column mfu_independent: 'maybe': "),
        (cells({"TrainingRuns!L6": 41}), "TrainingRuns!L6, column mfu: 41: write 0.41 or 41%"),
        (cells({"Accelerators!A8": "V100 SXM2 32GB"}), "Accelerators!A8, column accelerator: 'V100 SXM2 32GB' stands"),
        (cells({"Accelerators!A8": "v100-sxm2 32gb"}), "Accelerators!A8: 'v100-sxm2 32gb' names both"),
        (cells({"Accelerators!A8": "A*"}), "Accelerators!A8, column accelerator: 'A*': "),
        (cells({"Accelerators!F4": "PFLOP/s"}), "Accelerators!F4, column bf16: 'PFLOP/s': the unit above the heading"),
        (cells({"Accelerators!F5": "bf61"}), "Accelerators!F5: unknown column 'bf61'; did you mean 'bf16'?"),
        (cells({"Accelerators!F5": "fp16"}), "Accelerators!G5: column 'fp16' stands there twice"),
        (_drop("Accelerators", "hbm_gb"), "Accelerators!A5:R5: column 'hbm_gb' is missing"),
        (_drop("MfuTypical", "gpus"), "MfuTypical!A5:I5: column 'gpus' is missing"),
        (_rename("Accelerators", "Acelerators"), "unknown table 'Acelerators'; did you mean 'Accelerators'?"),
        (_rename("Accelerators", "Accelerators_2"), "unknown table 'Accelerators_2'; did you mean 'Accelerators'?"),
        (_row_below, "stands below the table CloudPrices; widen the table over the row"),
        (_table_lost, "CloudPrices: the sheet has lost its Excel Table CloudPrices"),
        (_no_rows, "MfuTypical!A5:J5: has no rows"),
        (_headless, "the table MfuTypical has no header row"),
        (_only_cover, "holds none of the tables Accelerators, TrainingRuns"),
    ],
)
def test_refused_with_its_cell(change, text, tmp_path, small):
    path = card(tmp_path, change, of=small)
    with pytest.raises(TableError) as e:
        xl_econ.use_rate_card(path)
    assert str(e.value).startswith("company.xlsx")
    assert text in str(e.value)
    assert "\n" not in str(e.value)
    assert xl_econ.gpu_spec("H100", "bf16") == 989.4


def test_units_may_be_left_out(tmp_path):
    def change(book):
        for cell in book["Accelerators"][4]:
            cell.value = None

    assert rate_card.read(card(tmp_path, change))["accelerators"] == TABLES["accelerators"].shipped


def test_a_table_of_the_company_s_own_is_no_matter(tmp_path):
    def change(book):
        sheet = book.create_sheet("Suppliers")
        sheet["A1"], sheet["A2"] = "name", "x"
        sheet.add_table(ExcelTable(displayName="Suppliers", ref="A1:A2"))

    assert len(rate_card.read(card(tmp_path, change))) == len(TABLES)


def test_unreadable_files(tmp_path, capsys):
    path = tmp_path / "no.xlsx"
    for data in (None, b"PK\x03\x04 nothing", b"accelerator,bf16\n", bytes.fromhex("d0cf11e0a1b11ae1")):
        if data is not None:
            path.write_bytes(data)
        code, out, err = run(capsys, "calc", "TRAIN_DAYS", "24", "1", "--rate-card", path)
        assert (code, out) == (4, "")
        assert str(path) in err
        assert err.count("\n") == 1
    # a package whose table names no area
    good = card(tmp_path)
    with zipfile.ZipFile(good) as package, zipfile.ZipFile(path, "w") as broken:
        for name in package.namelist():
            broken.writestr(name, package.read(name).replace(b'ref="A5:', b'ref="5A:'))
    assert run(capsys, "tables", "--rate-card", path)[0] == 4


# -- other programs ---------------------------------------------------------------------------------------------
@pytest.mark.libreoffice
def test_a_card_that_libreoffice_has_saved(tmp_path):
    path = priced(tmp_path)
    profile = (tmp_path / "profile").as_uri()
    command = [libreoffice(), "--headless", f"-env:UserInstallation={profile}", "--convert-to", "xlsx", "--outdir"]
    subprocess.run([*command, str(tmp_path / "saved"), str(path)], check=True, capture_output=True)
    found = rate_card.read(tmp_path / "saved" / "company.xlsx")
    assert found == rate_card.read(path)
    assert found["accelerators"][KEY].bf16 == 500


def test_the_source_of_rows_is_the_card():
    assert table.source() == {}


def test_an_audit_takes_the_card_along_into_its_process(tmp_path, capsys):
    """1,000 TFLOP/s is twice the dense peak of the company's card, and not of the shipped one."""
    book = openpyxl.Workbook()
    for row in (["GPU", "Peak BF16 dense (TFLOP/s)", "MFU"], [KEY, 1000, 0.4], ["A100 SXM 80GB", 312, 0.4]):
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    told = [
        [f["cell"] for f in json.loads(run(capsys, "audit", tmp_path / "b.xlsx", "--json", *more)[1])["findings"]]
        for more in (("--check", "sparse-peak"), ("--check", "sparse-peak", "--rate-card", priced(tmp_path)))
    ]
    assert told == [[], ["B2"]]
    (tmp_path / "none.xlsx").write_bytes(b"")
    code, _, err = run(capsys, "audit", tmp_path / "b.xlsx", "--rate-card", tmp_path / "none.xlsx")
    assert (code, "none.xlsx" in err) == (4, True)
