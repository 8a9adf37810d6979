"""What comes from outside is data: it cannot become a formula, hang, fill the memory or leave half a file."""

import os
import signal
import struct
import subprocess
import sys
import time
import zipfile

import pytest
import rich
from rich import MAIN
from test_edited import run

from xl_econ.core.errors import InputError, WorkbookError
from xl_econ.templates import build, fill, layout
from xl_econ.templates.edited import Edited
from xl_econ.workbook import patch as patching
from xl_econ.workbook.grid import Grid
from xl_econ.workbook.package import rewrite
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch
from xl_econ.workbook.preflight import preflight
from xl_econ.workbook.read import formulas
from xl_econ.workbook.recalc import recalculate
from xl_econ.workbook.references import may_read
from xl_econ.workbook.write import check_target

TEMPLATE = layout.load("training_budget")
SHEET = "In & out"
TEXTS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "-2+3",
    "\t=1",
    "_x0041_ and _x005F_",
    "  blanks  ",
    "\u202eright\u200b\u2066",
    "#N/A",
    "{=1}",
    "http://x",
]


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "b.xlsx"
    build.build(fill.model(TEMPLATE, fill.Case("x")), path, "plain", {})
    return path


def copied(path, folder):
    target = folder / path.name
    target.write_bytes(path.read_bytes())
    return target


def test_texts_stay_texts(own, tmp_path, capsys):
    """Built and patched alike, and literally what was given."""
    at = Parts(own).cell_of("inputs.purpose")
    for n, text in enumerate(TEXTS):
        fresh, edited = tmp_path / f"n{n}.xlsx", copied(own, tmp_path)
        assert (
            run(["fill", "training_budget", "--set", f"purpose={text}", "--set", "mfu=0.4", "-o", fresh], capsys)[0]
            == 0
        )
        assert run(["fill", edited, "--set", f"purpose={text}"], capsys)[0] == 0
        for path in (fresh, edited):
            assert (Parts(path).value(*at), Parts(path).formula(*at)) == (text, None)
            assert Edited(path).read().texts["purpose"] == text
            assert at not in formulas(path)


def bomb(levels):
    return "&a0 [1, 2, 3]" if not levels else f"&a{levels} [{bomb(levels - 1)}" + f", *a{levels - 1}" * 8 + "]"


BAD = [
    ("a.yaml", f"inputs: {{mfu: 0.4}}\npurpose: {bomb(9)}\n", "malformed: it stands for more values"),
    ("a.yaml", f"inputs: {{mfu: {bomb(9)}}}\n", "malformed: it stands for more values"),
    ("a.yaml", "inputs: &x\n  mfu: *x\n", "malformed: found unconstructable recursive node"),
    ("a.yaml", "inputs: {mfu: !!python/object/apply:os.getcwd []}\n", "could not determine a constructor"),
    ("a.yaml", "inputs: {mfu: .nan}\n", "mfu = nan: not a finite number"),
    ("a.yaml", f"inputs: {{mfu: {'[' * 2000}{']' * 2000}}}\n", "malformed: it is nested too deeply"),
    ("a.json", f'{{"inputs": {{"mfu": {"[" * 100_000}{"]" * 100_000}}}}}', "malformed: it is nested too deeply"),
    ("a.json", f'{{"inputs": {{"mfu": {"[" * 50}{"]" * 50}}}}}', "malformed: it is nested too deeply"),
    ("a.toml", f"inputs.mfu = {'[' * 2000}{']' * 2000}", "malformed: it is nested too deeply"),
    ("a.json", '{"inputs": {"mfu": NaN}}', "mfu = nan: not a finite number"),
    ("a.json", '{"inputs": {"mfu": 1e400}}', "mfu = inf: not a finite number"),
    ("a.json", '{"inputs": {"mfu": 0.4, "mfu": 0.3}}', "the key 'mfu' stands there twice"),
    ("a.json", f'{{"inputs": {{"mfu": {"9" * 5000}}}}}', "malformed: Exceeds the limit"),
    ("a.json", '{"purpose": "a\\ud800", "inputs": {"mfu": 0.4}}', r"purpose: holds '\ud800', which is no character"),
    ("a.json", '{"source": "a\\uffff", "inputs": {"mfu": 0.4}}', r"source: holds '\uffff', which is no character"),
    ("a.json", '{"name": "\\u0007", "inputs": {"mfu": 0.4}}', r"name: holds '\x07', which is a control character"),
    ("a.json", f'{{"source": "{"x" * 40_000}", "inputs": {{"mfu": 0.4}}}}', "source: 40,000 characters; a cell holds"),
    ("a.json", f'{{"inputs": {{"{"m" * 40_000}": 1}}}}', "inputs: a key: 40,000 characters"),
    ("a.json", '{"inputs": {"mfu": ["\\u0000"]}}', "inputs: mfu: holds"),
    ("a.json", '{"inputs": {"gpu": "=cmd|\'/C calc\'!A0"}}', "accelerators has no accelerator"),
    ("a.csv", "\ufeffname;mfu\r\na;0,4\r\n", "the separator is ';'"),
    ("a.csv", "name,mfu\na,nan\n", "mfu = nan: not a finite number"),
    ("a.csv", f"name,mfu\na,{'9' * 200_000}\n", "field larger than field limit"),
    ("a.csv", "name,mfu,owner\na,0.4,x\0y\n", "owner: holds"),
]


@pytest.mark.parametrize(("name", "text", "said"), BAD, ids=[f"{b[0]}-{b[2][:30]}" for b in BAD])
def test_case_files_that_are_refused(name, text, said, own, tmp_path, capsys):
    path, file = copied(own, tmp_path), tmp_path / name
    file.write_text(text, encoding="utf-8", newline="")
    for args in (["fill", path, "-i", file], ["fill", "training_budget", "-i", file, "-o", tmp_path / "o.xlsx"]):
        code, _, err = run(args, capsys)
        assert (code, said in err, err.count("\n")) == (3, True, 1), err[:500]
    assert path.read_bytes() == own.read_bytes()
    assert not (tmp_path / "o.xlsx").exists()


def test_settings_of_the_command_line_are_data_too():
    with pytest.raises(InputError, match=r"--set gpu: holds '\\udcff', which is no character"):
        fill.with_settings(fill.Case("x"), ["gpu=\udcff"], TEMPLATE)


def package(path, more):
    """A workbook of one sheet with other parts: as another program, or somebody on purpose, packs it."""
    rich.by_hand(path, f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>')
    with zipfile.ZipFile(path) as old:
        parts = {n: old.read(n) for n in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in [*parts.items(), *more]:
            new.writestr(name, data)
    return path


def test_packages_that_are_refused(tmp_path):
    path = tmp_path / "b.xlsx"
    sheet = "xl/worksheets/sheet1.xml"
    for more, text in (
        ([("../../x", b"")], "outside itself"),
        ([("..\\x", b"")], "outside itself"),
        ([("\\x", b"")], "outside itself"),
        ([(sheet.upper(), b"")], "a part twice"),
        ([("xl/x.xml", bytes(20 << 20))], r"xl/x.xml is too large to be read safely \(20,971,520 bytes\)"),
    ):
        with pytest.raises(WorkbookError, match=text):
            preflight(package(path, more))
    preflight(package(path, [("xl/media/a.bmp", bytes(20 << 20))]))  # a picture of one colour is no bomb
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512))
    with pytest.raises(WorkbookError, match=r"encrypted, or in the old \.xls format"):
        preflight(path)


def test_cells_far_away_and_merges_of_everything(tmp_path):
    cells = '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    far = rich.by_hand(tmp_path / "f.xlsx", f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>')
    start = time.monotonic()
    assert list(formulas(far)) == [("S", "A1")]
    assert len(Grid(far).sheets["S"].cells) == 2
    assert time.monotonic() - start < 10
    merged = '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    path = rich.by_hand(tmp_path / "m.xlsx", f'<worksheet xmlns="{MAIN}"><sheetData/>{merged}</worksheet>')
    assert formulas(path) == {}
    with pytest.raises(WorkbookError, match=r"sheet1\.xml merges more than 1,000,000 cells"):
        recalculate(path)


def test_a_damaged_part_elsewhere(tmp_path):
    path = rich.rich(tmp_path / "b.xlsx")
    with zipfile.ZipFile(path) as old:
        at = old.getinfo("xl/theme/theme1.xml")
    directory = path.read_bytes()
    for offset, packed, text in (
        (at.header_offset + 80, b"\xff" * 8, "cannot be copied"),
        (directory.index(b"xl/theme/theme1.xml", directory.index(b"PK\1\2")) - 36, struct.pack("<H", 9), "cannot be"),
    ):
        data = bytearray(directory)
        data[offset : offset + len(packed)] = packed
        path.write_bytes(data)
        with pytest.raises(WorkbookError, match=text):
            patch(Parts(path), path, {(SHEET, "A2"): 7})
        assert path.read_bytes() == data


def test_a_workbook_that_was_replaced_since_it_was_read(tmp_path):
    """Not only while it is written: the recalculation in between takes seconds."""
    path = rich.rich(tmp_path / "b.xlsx")
    book = Parts(path)
    patch(Parts(path), path, {(SHEET, "B2"): 99})
    theirs = path.read_bytes()
    with pytest.raises(WorkbookError, match="was changed by another program meanwhile; nothing is written"):
        patch(book, path, {(SHEET, "A2"): 7})
    assert path.read_bytes() == theirs
    path.unlink()
    with pytest.raises(WorkbookError, match="No such file"):
        patch(book, tmp_path / "c.xlsx", {})


def test_owner_files_modes_and_folders(tmp_path):
    path = rich.rich(tmp_path / "b.xlsx")
    before = path.read_bytes()
    for owner in ("~$b.xlsx", ".~lock.b.xlsx#"):
        (tmp_path / owner).write_bytes(b"")
        with pytest.raises(WorkbookError, match="open in another program"):
            patch(Parts(path), path, {(SHEET, "A2"): 7})
        (tmp_path / owner).unlink()
    path.chmod(0o444)
    with pytest.raises(WorkbookError, match="is read-only"):  # for root as well
        check_target(path, force=True)
    path.chmod(0o640)
    patch(Parts(path), path, {(SHEET, "A2"): 7})
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes() != before
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises(WorkbookError, match="is a folder"):
        patch(Parts(path), tmp_path / "folder.xlsx", {})
    assert not list(tmp_path.glob(".*"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
def test_the_owner_stays(tmp_path):
    path = rich.rich(tmp_path / "b.xlsx")
    os.chown(path, 12345, 54321)
    patch(Parts(path), path, {(SHEET, "A2"): 7})
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        path = copied(rich.rich(tmp_path / "b.xlsx"), disk)
        before = path.read_bytes()
        (disk / "rest").write_bytes(bytes(65536 - 4096 * (1 + -(-len(before) // 4096))))
        with pytest.raises(WorkbookError, match="No space left on device"):
            patch(Parts(path), path, {(SHEET, "A2"): 7})
        assert path.read_bytes() == before
        assert sorted(p.name for p in disk.iterdir()) == ["b.xlsx", "rest"]
    finally:
        subprocess.run(["umount", disk], check=True)


KILLED = """
import sys, time
from pathlib import Path
from xl_econ.workbook import patch
from xl_econ.workbook.parts import Parts
patch.verify = lambda *a: (print("now", flush=True), time.sleep(60))
path = Path(sys.argv[1])
patch.patch(Parts(path), path, {("In & out", "A2"): 7})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX")
def test_a_process_killed_in_the_middle_leaves_the_old_file(tmp_path):
    path = rich.rich(tmp_path / "b.xlsx")
    before = path.read_bytes()
    child = subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"now\n"
    child.kill()
    child.communicate()
    assert path.read_bytes() == before
    patch(Parts(path), path, {(SHEET, "A2"): 7})  # what was left beside it is in nobody's way


def test_what_leads_to_a_cell():
    at = patching.cell_at("E17")
    for text, expected in (
        ("CHOOSE($D$6,E17,F17)", True),
        ("INDEX(D17:$G$17,2)", True),
        ("Inputs!E17", True),
        ("Other!E17*2", False),
        ("CHOOSE(1,E18)", False),
        ('"E17"', False),
        ("T[@Base]", True),
        ("OFFSET(A1,1,1)", True),
        ("my_rate*2", True),
    ):
        assert may_read(text, at, "Inputs", ["my_rate"]) is expected, text


LOST = [
    (b'"inputs.mfu">Inputs!$D$17<', b'"inputs.mfu">Inputs!$D$17:$D$18<', "stands for Inputs!$D$17:$D$18, which is not"),
    (b'"inputs.mfu">Inputs!$D$17<', b'"inputs.mfu">Inputs!$D$17,Inputs!$D$18<', "which is not one cell of this"),
    (b'"inputs.mfu">Inputs!$D$17<', b'"inputs.mfu">#REF!<', "was its row, column or sheet deleted?"),
    (b'"inputs.mfu">Inputs!$D$17<', b'"inputs.mfu">Inputs!$D$60<', "Inputs!O60 is empty where the name inputs.mfu"),
    (b'name="inputs.mfu"', b'localSheetId="1" name="inputs.mfu"', "inputs.mfu is one of a single sheet; make it one"),
    (b"CHOOSE($D$6,E17,", b"CHOOSE($D$6,E60,", "Inputs!D17 does not read Inputs!E17 (mfu): was the cell moved?"),
    (b"<f>CHOOSE($D$6,E17,F17,G17)</f>", b"", "Inputs!E17 (mfu): a value was typed over its formula"),
]


@pytest.mark.parametrize(("old", "new", "text"), LOST)
def test_inputs_that_are_not_where_they_were(old, new, text, own, tmp_path, capsys):
    with zipfile.ZipFile(own) as z:
        held = [n for n in z.namelist() if n.startswith("xl/")]  # what the workbook was stays as it is
        parts = {n: z.read(n).replace(old, new) for n in held if old in z.read(n)}
    assert len(parts) == 1
    path = tmp_path / "c.xlsx"
    rewrite(own, path, parts)
    before = path.read_bytes()
    code, _, err = run(["fill", path, "--set", "mfu=0.3"], capsys)
    assert (code, text in err, err.count("\n")) == (4, True, 1), err
    assert path.read_bytes() == before


def test_a_merged_name_and_the_names_of_a_copied_sheet(own, tmp_path, capsys):
    """What Excel leaves after Move or Copy: names of the copy beside those of the workbook, which count."""
    book = "xl/workbook.xml"
    with zipfile.ZipFile(own) as z:
        text = z.read(book)
    copy = b'<definedNames><definedName name="inputs.mfu" localSheetId="2">Calculation!$D$9</definedName>'
    path = tmp_path / "c.xlsx"
    rewrite(own, path, {book: text.replace(b"<definedNames>", copy)})
    assert run(["fill", path, "--set", "mfu=0.3"], capsys)[0] == 0
    assert Edited(path).read().values["Base"]["mfu"] == 0.3
    merged = '<row r="1"><c r="A1"><v>1</v></c></row></sheetData><mergeCells><mergeCell ref="A1:B1"/></mergeCells>'
    path = rich.by_hand(tmp_path / "m.xlsx", f'<worksheet xmlns="{MAIN}"><sheetData>{merged}</worksheet>')
    opened = Parts(path)
    opened.names |= {"one": "S!$A$1:$B$1", "two": "S!$A$1:$C$1"}
    assert (opened.cell_of("ONE"), opened.cell_of("two")) == (("S", "A1"), None)
