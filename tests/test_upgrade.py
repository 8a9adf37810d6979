"""A filled workbook in the template's current version: nothing that a person did is lost without a word."""

import json

import openpyxl
import pytest
from test_edited import built, edited, renamed, run

from xl_econ.templates.edited import Edited
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch


def older(path, name="inputs.other_usd"):
    """The workbook as an older version would have built it: without an input, with one that is no more."""
    patch(Parts(path), path, {Parts(path).cell_of("xl_econ.template"): "training_budget 0.9, plain flavour"})
    renamed(path, "docProps/core.xml", b"training_budget 1.0", b"training_budget 0.9").rename(path)
    found = renamed(path, "xl/workbook.xml", f'"{name}"'.encode(), b'"inputs.bygone_usd"')
    return found.rename(path)


def test_a_current_workbook_stays_what_it_is(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")
    assert run(["fill", path, "--set", "Low.mfu=0.3", "--set", "case=low", "--set", "owner=Me"], capsys)[0] == 0
    code, printed, err = run(["upgrade", path, "-o", tmp_path / "b.xlsx"], capsys)
    assert (code, err) == (0, "")
    assert printed == f"{tmp_path / 'b.xlsx'}\n  training_budget 1.0 -> 1.0\n"
    assert run(["diff", path, tmp_path / "b.xlsx"], capsys)[:2] == (0, "no difference\n")


def test_an_older_workbook(tmp_path, capsys):
    path = older(built(tmp_path / "a.xlsx", ["mfu=0.37", "case=high"]))
    [key] = [c for c in openpyxl.load_workbook(path)["Accelerators"]["A"] if c.value == "H100 SXM 80GB"]
    patch(Parts(path), path, {("Accelerators", f"C{key.row}"): "Mine"})
    before = Edited(path)
    code, printed, err = run(["upgrade", path, "--json"], capsys)
    assert (code, err) == (0, "")
    report = json.loads(printed)
    assert (report["from"], report["to"], report["output"]) == ("0.9", "1.0", str(path))
    assert (report["inputs_added"], report["inputs_gone"]) == (["other_usd"], ["bygone_usd"])
    assert report["conflicts"] == []
    after = Edited(path)
    assert after.stamp.version == "1.0"
    case = after.read()
    assert (case.values["Base"]["mfu"], case.selected) == (0.37, "High")
    assert case.values["Base"]["other_usd"] == after.layout.by_key["other_usd"].base
    assert after.book.value("Accelerators", f"C{key.row}") == "Mine", "the tables are the workbook's own"
    assert before.stamp.version == "0.9"


def test_edits_are_not_lost_without_a_word(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    book["Calculation"]["F8"] = "=F7*2"
    book["Results"]["D5"].number_format = "0"
    book.create_sheet("Mine")["A1"] = 1
    book.save(path)
    before = path.read_bytes()
    code, printed, _ = run(["upgrade", path, "--json"], capsys)
    assert (code, json.loads(printed)["output"]) == (1, None)
    conflicts = {(c["group"], c["name"]) for c in json.loads(printed)["conflicts"]}
    assert {("formulas", "train_flop (Low)"), ("sheets", "removed"), ("formatting", "Results")} <= conflicts
    code, printed, _ = run(["upgrade", path], capsys)
    assert code == 1
    assert "    formulas: train_flop (Low)  =F7*2" in printed
    assert printed.endswith("  --force upgrades a.xlsx without them\n")
    assert path.read_bytes() == before
    assert run(["upgrade", path, "--force"], capsys)[0] == 0
    assert "Mine" not in Parts(path).parts
    assert run(["upgrade", path, "-o", tmp_path / "b.xlsm"], capsys)[0] == 2


@pytest.mark.libreoffice
def test_a_workbook_that_was_edited_in_libreoffice(tmp_path, capsys):
    path = edited(built(tmp_path / "a.xlsx"), tmp_path)
    code, printed, _ = run(["upgrade", path, "--dry-run", "--json"], capsys)
    conflicts = {(c["group"], c["name"], c["old"]) for c in json.loads(printed)["conflicts"]}
    assert code == 1
    assert ("sheets", "removed", "Notes") in conflicts
    assert {("parts", "sheets with comments", 2), ("parts", "pivot tables", 1)} <= conflicts
    assert {group for group, *_ in conflicts} == {"sheets", "parts"}
