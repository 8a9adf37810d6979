"""What a workbook says that it was built and filled from is true, or said not to be."""

import json
import zipfile

import pytest
import rich
from test_edited import run

from xl_econ.templates import build, fill, layout
from xl_econ.templates.edited import Edited
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch

LINES = ("template", "template hash", "inputs hash", "tables hash", "definitions")
PROPERTIES = "document properties"


def built(path, name="training_budget", *settings, flavour="plain"):
    template = layout.load(name)
    case = fill.with_settings(fill.Case("x"), settings, template)
    build.build(fill.model(template, case), path, flavour, case.texts)
    return path


def said(path, capsys, *options):
    code, printed, err = run(["stamp", path, "--json", *options], capsys)
    assert err == ""
    report = json.loads(printed)
    assert report["holds"] is (code == 0)
    assert set(report) == {"workbook", "holds", PROPERTIES, *LINES}
    return {k: report[k]["holds"] for k in LINES}


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", layout.names())
def test_every_template_holds_when_built(name, tmp_path, capsys):
    path = built(tmp_path / "a.xlsx", name, "owner=A & <B>")
    assert set(said(path, capsys).values()) == {True}
    book = Edited(path)
    shown = {what: book.book.value(*book.named(f"xl_econ.{what}_hash")) for what in ("layout", "inputs", "tables")}
    assert shown == {"layout": book.stamp.layout, "inputs": book.stamp.inputs, "tables": book.stamp.tables}
    again = built(tmp_path / "b.xlsx", name, "owner=A & <B>")
    assert again.read_bytes() == path.read_bytes()


def test_an_edit_is_told_until_the_stamp_is_written(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")
    book = Edited(path)
    patch(Parts(path), path, {book.beside("mfu", "Low"): 0.33})
    assert said(path, capsys) == dict.fromkeys(LINES, True) | {"inputs hash": False}
    code, printed, _ = run(["stamp", path], capsys)
    assert code == 1
    assert f"inputs or tables edited since the fill: {Edited(path).stamped().inputs}" in printed
    before = path.read_bytes()
    assert set(said(path, capsys, "--write").values()) == {True}
    assert path.read_bytes() != before
    assert set(said(path, capsys).values()) == {True}
    # What cannot be an input is an edit too, and no reason to stop.
    patch(Parts(path), path, {book.beside("mfu", "Low"): "nonsense"})
    assert said(path, capsys)["inputs hash"] is False
    patch(
        Parts(path), path, {book.beside("mfu", "Low"): 0.33, ("Accelerators", "C8"): "Mine", ("Inputs", "B10"): "Mine"}
    )
    assert said(path, capsys) == dict.fromkeys(LINES, False) | {"template": True, "template hash": True}


def test_what_writes_keeps_it_true(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")
    first = Edited(path).stamp
    assert run(["fill", path, "--set", "mfu=0.3", "--set", "owner=Me"], capsys)[0] == 0
    second = Edited(path).stamp
    assert first.inputs != second.inputs
    assert first.tables == second.tables
    assert second == Edited(built(tmp_path / "b.xlsx", "training_budget", "mfu=0.3", "owner=Me")).stamp
    patch(Parts(path), path, {Edited(path).beside("mfu", "Low"): 0.33})
    assert said(path, capsys)["inputs hash"] is False
    assert run(["recalc", path, "--write"], capsys)[0] == 0
    assert set(said(path, capsys).values()) == {True}


def test_the_document_properties_are_of_the_build_until_the_stamp_is_written(tmp_path, capsys):
    """Filling leaves every part but the sheets as it is; `stamp` says that theirs is the earlier hash."""
    path = built(tmp_path / "a.xlsx")
    first = core(path)
    for command in (["fill", path, "--set", "mfu=0.3"], ["recalc", path, "--write"]):
        assert run(command, capsys)[0] == 0
        assert core(path) == first
    code, printed, _ = run(["stamp", path, "--json"], capsys)
    report = json.loads(printed)
    assert (code, report["holds"], report[PROPERTIES]["holds"]) == (0, True, False)
    assert "earlier inputs" in report[PROPERTIES]["why"]
    assert report[PROPERTIES]["says"] in first
    code, printed, _ = run(["stamp", path, "--write", "--json"], capsys)
    report = json.loads(printed)
    assert (code, report["holds"], report[PROPERTIES]["holds"]) == (0, True, True)
    assert Edited(path).stamp.inputs in core(path) != first


def core(path):
    with zipfile.ZipFile(path) as package:
        return package.read("docProps/core.xml").decode()


@pytest.mark.libreoffice
def test_libreoffice_keeps_it(tmp_path, capsys):
    assert set(said(rich.by_libreoffice(built(tmp_path / "a.xlsx")), capsys).values()) == {True}


def test_what_is_no_template_of_ours(tmp_path, capsys):
    code, _, err = run(["stamp", rich.rich(tmp_path / "a.xlsx")], capsys)
    assert (code, err.count("\n")) == (4, 1)
    assert run(["stamp", tmp_path / "none.xlsx"], capsys)[0] == 4
