"""Workbooks that were built from a template and edited since: filled, read back, and otherwise left alone."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
import rich

from xl_econ import cli
from xl_econ.templates import build, casefile, fill, layout
from xl_econ.templates.edited import Edited
from xl_econ.workbook.package import rewrite
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch
from xl_econ.workbook.read import formulas
from xl_econ.workbook.recalc import differences, recalculate, same

TEMPLATE = layout.load("training_budget")
LLAMA = layout.folder() / "cases" / "training_budget" / "llama_3_1_405b.toml"
EDIT = Path(__file__).with_name("edit_in_libreoffice.py")
HARD = [
    "Base.mfu=0.30000000000000004",
    "Low.mfu=0.3333333333333333",
    "usd_per_gpu_hour=1.0000000000000002",
    "load=1e-7",
]


def built(path, settings=(), case=LLAMA, flavour="plain"):
    found = fill.with_settings(fill.read(case, TEMPLATE)[0] if case else fill.Case("x"), settings, TEMPLATE)
    build.build(fill.model(TEMPLATE, found), path, flavour, found.texts)
    return path


def run(args, capsys):
    code = cli.main([str(a) for a in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def parts(path):
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def edited(path, folder):
    """The workbook as LibreOffice saves it after a person's edits."""
    pythons = [sys.executable, "/usr/bin/python3", shutil.which("python3") or ""]
    python = next(
        p
        for p in pythons
        if p and not subprocess.run([p, "-c", "import uno"], check=False, capture_output=True).returncode
    )
    target = folder / "edited.xlsx"
    subprocess.run([python, EDIT, path, target, folder / "profile"], check=True, capture_output=True, timeout=120)
    return target


@pytest.mark.parametrize("flavour", build.FLAVOURS)
def test_a_workbook_is_filled_in_place(flavour, tmp_path, capsys):
    path = built(tmp_path / "b.xlsx", case=None, flavour=flavour)
    before = parts(path)
    code, printed, _ = run(["fill", path, "-i", LLAMA, "--set", "case=high", "--json"], capsys)
    report = json.loads(printed)
    assert (code, report["output"], report["not_computed"]) == (0, str(path), [])
    after, book = parts(path), Edited(path).book
    changed = {n for n in after if after[n] != before[n]}
    assert changed <= set(book.parts.values())
    assert book.parts["Glossary"] not in changed
    stored = formulas(path)
    assert list(differences(stored, recalculate(path), 1e-12)) == []
    # What the workbook says now is what a workbook built from the same case says.
    fresh = built(tmp_path / "fresh.xlsx", ["case=high"], flavour=flavour)
    a, b = (openpyxl.load_workbook(p, data_only=True) for p in (path, fresh))
    for sheet in a.sheetnames:
        here, there = ([[c.value for c in line] for line in w[sheet].iter_rows()] for w in (a, b))
        if sheet == "Sensitivity":  # the bars keep the order of the case that the file was built for, as the sheet says
            here, there = (sorted(rows, key=lambda line: str(line[1])) for rows in (here, there))
        for x, y in zip(here, there, strict=True):
            assert all(same(v, w, 1e-12) for v, w in zip(x, y, strict=True)), (sheet, x, y)
    assert report["results"]["run_usd"]["value"] == a["Results"]["D5"].value
    assert list(tmp_path.glob(".*")) == []


def test_the_round_trip_is_exact(tmp_path, capsys):
    path = built(tmp_path / "b.xlsx", [*HARD, "case=low", 'purpose==1+1 "q" \\ \u007f'])
    case = Edited(path).read("x")
    assert case.values["Base"]["mfu"] == 0.30000000000000004
    assert case.values["Low"]["mfu"] == 1 / 3
    assert case.values["High"]["usd_per_gpu_hour"] == 1.0000000000000002
    for ending in casefile.FORMATS:
        file = tmp_path / f"x{ending}"
        assert run(["extract", path, "-o", file], capsys)[0] == 0
        assert run(["extract", path, "-o", file], capsys)[0] == 2, "it is there"
        again = built(tmp_path / "again.xlsx", case=file)
        read = Edited(again).read("x")
        assert (read.values, read.selected, read.texts) == (case.values, "Low", case.texts)
        assert read.origins == case.origins
    code, printed, _ = run(["extract", path], capsys)
    assert (code, printed) == (0, (tmp_path / "x.toml").read_text().replace('name = "x"', 'name = "b"'))
    assert json.loads(run(["extract", path, "--json"], capsys)[1])["inputs"]["mfu"] == 0.30000000000000004
    assert json.loads(run(["extract", path, "-o", file, "--force", "--json"], capsys)[1])["output"] == str(file)
    assert run(["extract", path, "-o", tmp_path / "x.pdf"], capsys)[0] == 2


@pytest.mark.libreoffice
def test_a_workbook_that_was_edited_in_libreoffice(tmp_path, capsys):
    """Renamed sheets, inserted rows and columns, a new sheet: every input is found by its name."""
    path = built(tmp_path / "b.xlsx")
    case = Edited(path).read("x")
    changed = edited(path, tmp_path)
    book = Edited(changed)
    assert book.book.cell_of("inputs.mfu") != ("Inputs", "D17")
    assert (book.read("x").values, book.read("x").origins) == (case.values, case.origins)
    before = parts(changed)
    code, printed, _ = run(["fill", changed, "--set", "Low.mfu=0.3", "--set", "case=low", "--json"], capsys)
    assert code == 0
    cells = {(c["key"], c["case"]): c for c in json.loads(printed)["cells"]}
    assert cells["mfu", "Low"]["after"] == 0.3
    assert cells["mfu", "Low"]["cell"] == "Annahmen & Co's!G22"
    assert cells["mfu", "source"]["after"] == "Given without a source on the command line"
    after = parts(changed)
    assert {n for n in after if after[n] != before[n]} <= set(Edited(changed).book.parts.values())
    assert list(differences(formulas(changed), recalculate(changed), 1e-12)) == []
    read = Edited(changed).read("x")
    assert read.values["Low"] == case.values["Low"] | {"mfu": 0.3}
    assert (read.values["Base"], read.selected) == (case.values["Base"], "Low")
    code, _, err = run(["fill", changed, "--set", "mfu=41"], capsys)
    assert (code, err) == (3, "xl-econ: Annahmen & Co's!F22: mfu = 41: write 0.41 or 41%\n")


@pytest.mark.libreoffice
def test_a_libreoffice_resave(tmp_path, capsys):
    path = built(tmp_path / "b.xlsx")
    case = Edited(path).read("x")
    saved = rich.by_libreoffice(path)
    assert (Edited(saved).read("x").values, Edited(saved).read("x").origins) == (case.values, case.origins)
    assert run(["fill", saved, "-i", LLAMA, "--set", "gpus=512", "-o", tmp_path / "o.xlsx"], capsys)[0] == 0
    assert Edited(tmp_path / "o.xlsx").read().values["High"]["gpus"] == 512
    assert list(differences(formulas(tmp_path / "o.xlsx"), recalculate(tmp_path / "o.xlsx"), 1e-12)) == []


def test_macros_stay(tmp_path, capsys):
    path = built(tmp_path / "b.xlsx")
    macros = tmp_path / "b.xlsm"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(macros, "w") as new:
        for name in old.namelist():
            text = (
                old.read(name)
                .replace(b"sheet.main+xml", b"x")
                .replace(
                    b"vnd.openxmlformats-officedocument.spreadsheetml.x", b"vnd.ms-excel.sheet.macroEnabled.main+xml"
                )
            )
            new.writestr(name, text)
        new.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 macros")
    assert run(["fill", macros, "--set", "mfu=0.3", "-o", tmp_path / "o.xlsx"], capsys)[0] == 2
    assert run(["fill", macros, "--set", "mfu=0.3", "-o", tmp_path / "o.xlsm"], capsys)[0] == 0
    assert parts(tmp_path / "o.xlsm")["xl/vbaProject.bin"] == b"\xd0\xcf\x11\xe0 macros"
    assert parts(tmp_path / "o.xlsm")["[Content_Types].xml"] == parts(macros)["[Content_Types].xml"]


def test_dry_run_and_copies(tmp_path, capsys):
    path = built(tmp_path / "b.xlsx", case=None)
    before = path.read_bytes()
    code, printed, _ = run(["fill", path, "--set", "mfu=0.3", "--dry-run"], capsys)
    assert code == 0
    assert "not written (dry run)" in printed
    assert re.search(r"Inputs!E17 +Base.mfu +0.4 +-> +0.3", printed)
    assert re.search(r"\d+ cells changed, \d+ results refreshed", printed)
    assert run(["fill", path, "--set", "mfu=0.3", "-o", tmp_path / "o.xlsx"], capsys)[0] == 0
    many = tmp_path / "many.csv"
    many.write_text("name,mfu,gpus\na,0.3,\nb,,512\n")
    assert run(["fill", path, "-i", many, "--jobs", "2"], capsys)[0] == 2, "for templates"
    assert run(["fill", path, "-i", many], capsys)[0] == 2, "two cases cannot both be this workbook"
    code, printed, _ = run(["fill", path, "-i", many, "-o", tmp_path / "d", "--json"], capsys)
    assert (code, len(json.loads(printed))) == (0, 2)
    assert Edited(tmp_path / "d" / "b.xlsx").read().values["Base"]["gpus"] == 512
    assert Edited(tmp_path / "d" / "b.xlsx").read().values["Base"]["mfu"] == 0.4, "what is not given stays"
    assert path.read_bytes() == before


BAD = [
    ("mfu=41", 3, "Inputs!E17: mfu = 41: write 0.41 or 41%"),
    ("High.mfu=much", 3, "Inputs!G17: mfu = 'much': expected a number"),
    ("gpu=H10O", 3, "Inputs!E13: gpu = 'H10O': accelerators has no accelerator 'H10O'; did you mean 'H100'?"),
    ("gpu=V100", 3, ": the inputs have no result together"),
    ("mfuu=1", 3, "unknown input 'mfuu'; did you mean 'mfu'?"),
]


@pytest.mark.parametrize(("setting", "code", "text"), BAD)
def test_bad_values_name_their_cell(setting, code, text, tmp_path, capsys):
    path = built(tmp_path / "b.xlsx", case=None)
    before = path.read_bytes()
    found, _, err = run(["fill", path, "--set", setting], capsys)
    assert found == code
    assert text in err
    assert path.read_bytes() == before


def test_cells_that_hold_what_an_input_cannot_take(tmp_path, capsys):
    path = built(tmp_path / "b.xlsx", case=None)
    patch(Parts(path), tmp_path / "c.xlsx", {("Inputs", "E17"): 41.0})
    code, _, err = run(["extract", tmp_path / "c.xlsx"], capsys)
    assert (code, err) == (3, "xl-econ: Inputs!E17: mfu = 41: write 0.41 or 41%\n")
    patch(Parts(path), tmp_path / "c.xlsx", {("Inputs", "E17"): " 41% ", ("Inputs", "L17"): 2026})
    read = Edited(tmp_path / "c.xlsx").read()
    assert (read.values["Base"]["mfu"], read.origins["mfu"].as_of) == (0.41, "2026")
    for cell, value, text in (
        ("D5", "Worst", "Inputs!D5: no case 'Worst'"),
        ("M17", "E", "Inputs!M17: grade = 'E': A, B, C or D"),
        ("E17", None, "Inputs!E17: mfu is missing"),
        ("O17", "gpus", "Inputs!O17 says 'gpus' where the name inputs.mfu leads; were rows sorted or moved?"),
    ):
        patch(Parts(path), tmp_path / "c.xlsx", {("Inputs", cell): value})
        code, _, err = run(["extract", tmp_path / "c.xlsx"], capsys)
        assert (code, text in err) == (4 if "sorted" in text else 3, True), err


def test_a_row_that_the_user_added_to_a_table(tmp_path):
    path = built(tmp_path / "b.xlsx", case=None)
    last = openpyxl.load_workbook(path)["Accelerators"].max_row
    patch(Parts(path), path, {("Accelerators", f"A{last}"): "Our own GPU"})
    [change] = [
        c for c in Edited(path).changes(fill.Case("x", values={"Low": {"gpu": "our own gpu"}})) if c.case == "Low"
    ]
    assert (change.where, change.after) == ("Inputs!F13", "Our own GPU")


def renamed(path, part, old, new):
    text = parts(path)[part]
    assert old in text
    beside = path.with_name("n.xlsx")
    rewrite(path, beside, {part: text.replace(old, new)})
    return beside


def test_a_formula_that_the_user_typed_is_not_replaced(tmp_path, capsys):
    path = built(tmp_path / "b.xlsx", case=None)
    sheet = Parts(path).parts["Inputs"]
    [cell] = re.findall(rb'<c r="E17"[^>]*>.*?</c>', parts(path)[sheet])
    path = renamed(path, sheet, cell, cell.replace(b"<v>", b"<f>0.8/2</f><v>"))
    code, _, err = run(["fill", path, "--set", "mfu=0.3"], capsys)
    assert (code, err) == (4, "xl-econ: Inputs!E17: mfu is a formula there; type a value over it before it is filled\n")
    assert Edited(path).read().values["Base"]["mfu"] == 0.4
    assert run(["fill", path, "--set", "Low.mfu=0.3"], capsys)[0] == 0


def test_workbooks_of_other_people(tmp_path, capsys):
    path = rich.rich(tmp_path / "other.xlsx")
    code, _, err = run(["fill", path, "--set", "mfu=0.3"], capsys)
    assert (code, "was not built from a template of xl-econ" in err) == (4, True)
    own = built(tmp_path / "b.xlsx", case=None)
    book = "xl/workbook.xml"
    for old, new, text in (
        (b'"inputs.mfu">Inputs!$D$17', b'"inputs.mfu">#REF!', "inputs.mfu leads to no cell; was its row"),
        (b'"inputs.mfu"', b'"mine.mfu"', "the name inputs.mfu is not there; was it deleted?"),
        (b'"inputs.Base">Inputs!$E$8', b'"inputs.Base">Checks!$E$8', "its columns are on Checks"),
    ):
        code, _, err = run(["extract", renamed(own, book, old, new)], capsys)
        assert (code, text in err) == (4, True), err
    # Without the name and without the column of sources, the document properties and the rest still do.
    bare = renamed(own, book, b'"xl_econ.template"', b'"mine.template"')
    assert Edited(bare).stamp.template == "training_budget"
    less = renamed(own, book, b'"inputs.source"', b'"mine.source"')
    assert run(["fill", less, "--set", "mfu=0.3"], capsys)[0] == 0
    patch(Parts(own), tmp_path / "c.xlsx", {Parts(own).cell_of("xl_econ.template"): "another_plan 2.0, plain flavour"})
    code, _, err = run(["extract", tmp_path / "c.xlsx"], capsys)
    assert (code, "built from the template 'another_plan'; known here are" in err) == (4, True)
    (tmp_path / "x.txt").write_text("")
    assert run(["extract", tmp_path / "x.txt"], capsys)[0] == 4
    assert run(["fill", tmp_path / "none.xlsx", "--set", "mfu=0.3"], capsys)[0] == 4
