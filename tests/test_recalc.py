"""Recalculation: what is stored is compared with what an engine finds, and a bad file is one error."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest
import xlsxwriter
from conftest import ENGINES

from xl_econ import cli
from xl_econ.audit import subject
from xl_econ.core.errors import UsageError, WorkbookError
from xl_econ.workbook import recalc
from xl_econ.workbook.preflight import preflight
from xl_econ.workbook.read import formulas, load
from xl_econ.workbook.recalc import differences, recalculate, same
from xl_econ.workbook.scan import scan

TEMPLATES = sorted((Path(__file__).parents[1] / "templates").glob("*.xlsx"))


def with_parts(path, changes):
    """The same workbook, with parts changed."""
    with zipfile.ZipFile(path) as old:
        parts = {n: old.read(n).decode() for n in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, text in parts.items():
            new.writestr(name, changes[name](text) if name in changes else text)


def workbook(path, stored=3):
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("A sheet")
        sheet.write("A1", 1)
        sheet.write("A2", 2)
        sheet.write_formula("A3", "=A1+A2", None, stored)
        sheet.write_formula("A4", "=1/0", None, "#DIV/0!")
        sheet.write_formula("A5", '="a"&"b"', None, "ab")
        sheet.write_formula("A6", "=A1<A2", None, True)
    return path


@pytest.mark.parametrize("engine", ENGINES)
def test_values(engine, tmp_path):
    found = recalculate(workbook(tmp_path / "b.xlsx"), engine)
    assert found == {("A sheet", f"A{n}"): v for n, v in ((3, 3), (4, "#DIV/0!"), (5, "ab"), (6, True))}


BLANKS = (
    '<c r="A2" s="1"/>', '<c r="A2" s="1" t="n"/>', '<c r="A2" s="1" t="n"></c>', '<c r="A2" t="n" s="1"><v/></c>',
    '<c r="A2"><v></v></c>', '<c r="A2" t="s"></c>', '<c r="A2" t="b"/>', '<c r="A2" t="e"/>', '<c r="A2" t="str"/>',
    '<c r="A2" t="str"></c>', '<c r="A2" t="inlineStr"/>', '<c r="A2"\n t = "n" ><v > </v></c>',
)  # fmt: skip


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_cell_that_holds_nothing_is_blank_whatever_it_says(engine, blank, tmp_path):
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("S")
        sheet.write("A1", 1)
        sheet.write_blank("A2", None, book.add_format({"bold": True}))
        sheet.write("A3", 3)
        for n, text in enumerate(("COUNT(A1:A3)", "AVERAGE(A1:A3)", "ISBLANK(A2)", "MIN(A1:A3)")):
            sheet.write_formula(n, 1, f"={text}", None, "")
    with_parts(path, {"xl/worksheets/sheet1.xml": lambda text: text.replace('<c r="A2" s="1"/>', blank)})
    assert list(recalculate(path, engine).values()) == [2, 2, True, 1]
    assert ("S", 2, 1) not in {(c.sheet, c.row, c.column) for _, c in scan(path).cells()}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_a_workbook_that_openpyxl_has_saved_computes_to_the_same(path, tmp_path):
    """It says of every empty cell with a format that it is a number."""
    saved = tmp_path / path.name
    openpyxl.load_workbook(path).save(saved)
    assert list(differences(formulas(path), recalculate(saved), 1e-12)) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stale_value_is_found(engine, tmp_path, capsys):
    """A recalculation that passes stored values through would find nothing."""
    path = workbook(tmp_path / "stale.xlsx", stored=999)
    [difference] = differences(formulas(path), recalculate(path, engine), 1e-12)
    assert (difference.cell, difference.stored, difference.computed) == ("A3", 999, 3)
    assert cli.main(["recalc", str(path), "--engine", engine]) == 1
    out = capsys.readouterr().out
    assert "A sheet!A3: stored 999" in out
    assert "3 of 4 formulas agree" in out
    assert cli.main(["recalc", str(path), "--engine", engine, "--json"]) == 1
    assert '"computed": 3' in capsys.readouterr().out
    # In an audit the engine is a child of a child, with limits of its own.
    asked = ["--recalculate", engine, "--check", "stored-value", "--check", "not-recomputed"]
    assert cli.main(["audit", str(path), *asked]) == 1
    assert "A sheet!A3 [stored-value] error: =A1+A2 is stored as 999, and computes to 3" in capsys.readouterr().out


def test_the_workbook_is_not_changed(tmp_path):
    path = workbook(tmp_path / "b.xlsx")
    before = path.read_bytes()
    assert cli.main(["recalc", str(path)]) == 0
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_counts_as_the_same():
    assert same(1.0, 1.0 + 1e-13, 1e-12)
    assert not same(1.0, 1.0 + 1e-11, 1e-12)
    assert same(0.0, 2e-16, 1e-12), "the residue of a cancellation"
    assert not same(0.0, 1e-14, 1e-12)
    assert not same(1, True, 1e-12)
    assert same("", None, 1e-12)
    assert not same("#N/A", 3, 1e-12)


def test_files_that_cannot_be_read(tmp_path):
    def refused(content, text, name="x.xlsx"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(WorkbookError, match=text):
            recalculate(path)
        with pytest.raises(WorkbookError, match=text):
            formulas(path)

    refused(b"", "not an .xlsx workbook")
    refused(b"a,b\n1,2\n", "not an .xlsx workbook")
    refused(bytes.fromhex("d0cf11e0a1b11ae1") + b"x" * 600, "encrypted, or in the old .xls format")
    good = workbook(tmp_path / "good.xlsx").read_bytes()
    refused(good[: len(good) // 2], "not an .xlsx workbook")
    with pytest.raises(WorkbookError, match="No such file"):
        recalculate(tmp_path / "nothing.xlsx")
    with pytest.raises(WorkbookError, match="Is a directory"):
        recalculate(tmp_path)


def package(path, parts):
    with zipfile.ZipFile(path, "w") as z:
        for name, text in parts:
            z.writestr(name, text)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_packages_that_are_refused_before_they_are_parsed(tmp_path, monkeypatch):
    for parts, text in (
        ([("a.txt", "x")], "it has no xl/workbook.xml"),
        ([("xl/workbook.xml", "x"), ("xl/workbook.xml", "y")], "holds a part twice"),
        ([("xl/workbook.xml", "x"), ("../evil", "y")], "holds a part outside itself"),
    ):
        with pytest.raises(WorkbookError, match=text):
            preflight(package(tmp_path / "p.xlsx", parts))
    monkeypatch.setattr("xl_econ.workbook.preflight.MAX_EXPANDED", 10)
    with pytest.raises(WorkbookError, match="too large to be read safely"):
        preflight(package(tmp_path / "p.xlsx", [("xl/workbook.xml", "x" * 20)]))


def test_an_engine_that_cannot_load_the_file(tmp_path):
    path = package(tmp_path / "p.xlsx", [("xl/workbook.xml", "<nonsense/>")])
    with pytest.raises(WorkbookError, match="ironcalc cannot recalculate it: "):
        recalculate(path)
    with pytest.raises(WorkbookError, match="cannot be read"):
        load(path, values=True)


def test_an_engine_that_dies_or_hangs(tmp_path):
    """Deep nesting kills IronCalc's process; ours goes on with one error."""
    path = tmp_path / "deep.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("A").write_formula("A1", "=" + "(" * 100_000 + "1" + ")" * 100_000, None, 1)
    with pytest.raises(WorkbookError, match="ironcalc"):
        recalculate(path)
    started = time.monotonic()
    with pytest.raises(WorkbookError, match=r"did not finish in 0.01 s"):
        recalculate(workbook(tmp_path / "b.xlsx"), seconds=0.01)
    assert time.monotonic() - started < 10


def test_engines_by_name(tmp_path, monkeypatch):
    path = workbook(tmp_path / "b.xlsx")
    with pytest.raises(UsageError, match="no engine 'exel'"):
        recalculate(path, "exel")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert recalc.libreoffice() is None
    with pytest.raises(WorkbookError, match="LibreOffice is not installed"):
        recalculate(path, "libreoffice")


@pytest.mark.libreoffice
def test_libreoffice_that_cannot_save(tmp_path, monkeypatch):
    fake = tmp_path / "bin" / "soffice"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    with pytest.raises(WorkbookError, match="libreoffice cannot recalculate it: broken"):
        recalculate(workbook(tmp_path / "b.xlsx"), "libreoffice")


def test_named_functions_need_ironcalc(tmp_path, monkeypatch):
    path = tmp_path / "names.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet()
        book.define_name("TWICE_IT", "=_xlfn.LAMBDA(_xlpm.x,_xlpm.x*2)")
    monkeypatch.setattr(recalc, "libreoffice", lambda: "soffice")
    with pytest.raises(WorkbookError, match="LAMBDA names, which LibreOffice does not know"):
        recalculate(path, "libreoffice")


def test_a_workbook_without_stored_values(tmp_path, capsys):
    import openpyxl

    path = workbook(tmp_path / "b.xlsx")
    openpyxl.load_workbook(path).save(path)
    assert cli.main(["recalc", str(path)]) == 1
    assert "none of its 4 formulas has a stored value" in capsys.readouterr().out


def test_an_engine_is_not_left_waiting_where_formulas_cannot_be_told(tmp_path, monkeypatch):
    told = []
    engine = SimpleNamespace(engine="ironcalc", tell=told.append)

    def fail(sheet):
        raise RecursionError

    monkeypatch.setattr(subject, "blocks", fail)
    with pytest.raises(RecursionError):
        subject.Subject(workbook(tmp_path / "b.xlsx"), engine)
    assert told == [None]


@pytest.mark.libreoffice
@pytest.mark.skipif(sys.platform != "linux", reason="a process learns that its parent is gone on Linux only")
def test_nothing_is_left_of_an_audit_that_is_broken_off(tmp_path):
    """LibreOffice, which starts processes of its own in a folder of its own, ends with who asked for it."""
    folder, path = tmp_path / "tmp", tmp_path / "b.xlsx"
    folder.mkdir()
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row in range(30_000):
            sheet.write_formula(row, 0, f"=ROW()*{row}+1", None, 0)
    command = [sys.executable, "-m", "xl_econ", "audit", str(path), "--recalculate", "libreoffice"]
    with subprocess.Popen(command, env=os.environ | {"TMPDIR": str(folder)}, stderr=subprocess.PIPE) as asked:
        _await(lambda: _processes(str(folder)))
        asked.send_signal(signal.SIGINT)
        assert asked.wait(10) == 130
    _await(lambda: not _processes(str(folder)))
    _await(lambda: not any(folder.iterdir()))


def _await(is_so):
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def _processes(named):
    """The processes of LibreOffice that a folder is named to."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            text = command.read_bytes().decode(errors="replace")
            found += [text] if named in text and "soffice" in text else []
    return found
