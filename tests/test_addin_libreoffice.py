"""The add-in's VBA at work: from cell formulas in LibreOffice, through its own runtime, to xlwings' real dispatch."""

import json
import math
import shutil
import subprocess
import sys
import zipfile
from itertools import count
from pathlib import Path

import pytest
from support import close, random_inputs

from xl_econ import __version__
from xl_econ.addin import build, vba
from xl_econ.addin.ovba import Module, vba_project
from xl_econ.addin.record import Record, decode
from xl_econ.core.errors import XlEconError
from xl_econ.hosts.python import function
from xl_econ.metrics import REGISTRY

pytestmark = [pytest.mark.libreoffice, pytest.mark.slow]
HERE = Path(__file__).parent
LOCAL = r"C:\Users\Ada\AppData\Local"
VENV = rf"{LOCAL}\xl_econ\{__version__}\venv"
RECORD = Record(
    __version__, rf"{VENV}\Scripts\python.exe", rf"{VENV}\xlwings64-0.37.8.dll", rf"{VENV}\xlwings32-0.37.8.dll"
)
CONF = rf"{LOCAL}\xl_econ\xl_econ.conf"
FILES = {CONF: RECORD.encoded().decode("utf-16-le"), RECORD.python: "", RECORD.dll64: ""}
COMMAND = f'"{RECORD.python}" -I -m xl_econ.addin.server $(CLSID)'
# LibreOffice lacks Value2, hands over rows in rows, and has no Windows beneath.
FOR_LIBREOFFICE = (
    (".Value2", ".Value"),
    ("XlEconServerObject().CallUDF(", "TestCallUDF(XlEconServerObject(), "),
    ("MsgBox text, vbInformation, ", "TestMessage text, "),
    ("    noted = reason", "    noted = reason\n    TestNote reason"),
)
COST = "=TRAIN_COST(37;14.8;989.4;0.389;2)"
ERROR_TEXTS = {"#VALUE!": "Error 2015", "#NUM!": "Error 2036", "#N/A": "Error 2042", "#DIV/0!": "Error 2007"}


def workbook(path):
    """The add-in as a workbook that LibreOffice runs, with a stand-in for Windows."""
    modules = []
    for m in vba.modules(["Sheet1", "Sheet2"]):
        source = (HERE / "XlEconWindows.bas").read_text() if m.name == "XlEconWindows" else m.source
        for ours, theirs in FOR_LIBREOFFICE:
            source = source.replace(ours, theirs)
        modules.append(Module(m.name, source, m.kind))
        if m.name == "XlEconWindows":  # the real one need not run, but LibreOffice must be able to compile it
            real = m.source.replace("XlEcon", "Real").replace("XL_ECON_BITS", "REAL_BITS")
            modules.append(Module("RealWindows", real))
    return saved(path, build.package() | {"xl/vbaProject.bin": vba_project("xl_econ", modules)})


def saved(path, parts):
    types = "[Content_Types].xml"
    parts[types] = parts[types].replace(b"ms-excel.addin.macro", b"ms-excel.sheet.macro")
    with zipfile.ZipFile(path, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return path


def a_round(formulas=(), cells=None, files=FILES, crashes=0, buttons=()):
    return {"formulas": formulas, "cells": cells or {}, "files": files, "crashes": crashes, "buttons": buttons}


def run(folder, rounds, others=(), local=LOCAL):
    """What the formulas of each round give, and what was asked of Windows and of Python."""
    job = {
        "workbook": str(workbook(folder / "addin.xlsm")),
        "others": list(map(str, others)),
        "folder": local,
        "rounds": rounds,
    }
    (folder / "job.json").write_text(json.dumps(job))
    pythons = [sys.executable, "/usr/bin/python3", shutil.which("python3") or ""]
    python = next(
        p
        for p in pythons
        if p and not subprocess.run([p, "-c", "import uno"], capture_output=True, check=False).returncode
    )
    script = [
        python,
        str(HERE / "addin_in_libreoffice.py"),
        str(folder / "job.json"),
        str(folder / "p"),
        sys.executable,
    ]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


class Cells:
    """Values downwards in the first columns."""

    def __init__(self):
        self.cells, self.rows = {}, count(1)

    def of(self, value):
        """Writes a value, or a list downwards; answers with its reference."""
        values = value if isinstance(value, list | tuple) else [value]
        places = []
        for v in values:
            places.append(f"A{next(self.rows)}")
            if v is not None:
                self.cells[places[-1]] = v
        return ":".join(dict.fromkeys((places[0], places[-1])))


def shown(m, inputs):
    """What a cell of LibreOffice shows for a metric."""
    try:
        return function(m.name)(**inputs)
    except XlEconError as e:
        return ERROR_TEXTS[e.cell]


def test_every_function_from_cells(tmp_path):
    """Scalars in all arguments, then only those that must be given, then a column with a blank and a text in it."""
    cells, formulas, wanted = Cells(), [], []
    for m in REGISTRY.values():
        inputs = random_inputs(m, 1, seed=5)[0]
        places = {name: cells.of(value) for name, value in inputs.items()}
        formulas.append(f"={m.name}({';'.join(places.values())})")
        wanted.append([[shown(m, inputs)]])
        needed = {name: inputs[name] for name, p in m.scalars.items() if not p.optional}
        formulas.append(f"={m.name}({';'.join(places[n] for n in needed)})")
        wanted.append([[shown(m, needed)]])
        numbers = [n for n, p in m.elements.items() if n in needed and not p.quantity.is_text]
        if numbers:
            first = numbers[0]
            column = [inputs[first], None, "x"]
            by = ";".join(cells.of(column) if n == first else places[n] for n in needed)
            formulas.append([f"={m.name}({by})", 3, 1])
            wanted.append([[shown(m, needed | {first: value})] for value in column])
    [(found, log)] = run(tmp_path, [a_round(formulas, cells.cells)])
    for formula, got, want in zip(formulas, found, wanted, strict=True):
        pairs = zip((v for row in got for v in row), (v for row in want for v in row), strict=True)
        assert all(close(a, b) for a, b in pairs), (formula, got, want)
    assert sum(isinstance(v, float) and math.isfinite(v) for g in found for r in g for v in r) > len(REGISTRY)
    assert {entry[1] for entry in log if entry[0] == "call"} == set(REGISTRY)
    assert [entry[1] for entry in log if entry[0] == "start"] == [COMMAND], "one server for all"
    assert not [entry for entry in log if entry[0] == "note"]


def test_errors_explanations_and_the_memo(tmp_path):
    cost = "=TRAIN_COST({};14.8;989.4;0.389;2)"
    formulas = [
        cost.format("37"),
        cost.format("37"),
        cost.format("A1"),  # 0.1 + 0.2 and 0.3 are two numbers, though both show as 0.3
        cost.format("A2"),
        "=TRAIN_COST(37;14.8;989.4;41;2)",
        "=WHY(1)",
        '=GPU_SPEC("H10O";"bf16")',
        "=XL_ECON_VERSION()",
        ['=EXPLAIN("TRAIN_COST";37;14.8;989.4;0.389;2)', 12, 4],
        ['=GPU_SPEC(A3:A4;"bf16")', 2, 1],
        ["=TRAIN_COST({37;70};14.8;989.4;0.389;2)", 1, 2],
    ]
    cells = {"A1": 0.1 + 0.2, "A2": 0.3, "A3": "H100", "A4": "H10O"}
    [(found, log)] = run(tmp_path, [a_round(formulas, cells)])
    value = 4742645.6514460305  # 6 * 37e9 * 14.8e12 / (989.4e12 * 0.389 * 3600) * 2
    assert found[0] == found[1] == [[value]]
    assert len([e for e in log if e[:3] == ["call", "TRAIN_COST", 37.0] and e[5] == 0.389]) == 1, "asked once"
    assert [e[2] for e in log if e[0] == "call" and e[1] == "TRAIN_COST"][1:3] == [0.1 + 0.2, 0.3]
    assert found[2] != found[3]
    assert found[4] == [["Error 2036"]]
    assert found[5] == [["TRAIN_COST: mfu = 41: write 0.41 or 41%"]]
    assert found[6] == [["Error 2042"]]
    assert found[7] == [[__version__]]
    assert found[8][0] == ["step", "formula", "value", "unit"]
    assert found[8][-1] == ["TRAIN_COST", "gpu_hours * usd_per_gpu_hour * (1 + overhead)", value, "USD"]
    assert found[9] == [[989.4], ["Error 2042"]]
    assert found[10][0][0] == value


def test_the_buttons(tmp_path):
    """Each calls its macro through the same server and shows what it answers; without the server, why there is none."""
    buttons = ["insert_template:training_budget", "explain_cell", "why", "about"]
    (_, log), (_, without) = run(tmp_path, [a_round(buttons=buttons), a_round(buttons=["about"], files={})])
    assert [entry for entry in log if entry[0] in ("macro", "message")] == [
        ["macro", "insert_template", "training_budget"],
        ["message", "inserted training_budget", "xl-econ: insert template"],
        ["macro", "explain_cell"],
        ["macro", "why"],
        ["message", "no error", "xl-econ: why"],
        ["macro", "about"],
        ["message", log[-1][1], "xl-econ: about"],
    ]
    assert "no workbook is open" in log[-1][1]
    assert f"xl-econ {__version__} (the add-in)" in without[-1][1]
    assert "not installed for this user" in without[-1][1]


def test_where_there_is_no_windows(tmp_path):
    [(found, _)] = run(tmp_path, [a_round([COST, "=WHY()"])], local="")
    assert found[0] == [["Error 2015"]]
    assert "the functions need Excel for Windows" in found[1][0][0]


HOSTILE_WINDOWS = """Attribute VB_Name = "XlEconWindows"
Public Const XL_ECON_BITS As String = "64"
Public Function XlEconLocalFolder() As String
    XlEconLocalFolder = "C:\\Evil"
End Function
Public Function XlEconTextOf(ByVal path As String) As String
    XlEconTextOf = "PYTHON=C:\\Evil\\python.exe"
End Function
"""


def test_a_hostile_workbook_changes_nothing(tmp_path):
    """It is open and in front, with configuration sheets, our module names, and Python modules in its folder."""
    parts = build.package()
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b'"About"', b'"xl_econ.conf"')
    texts = "".join(f'<c t="inlineStr"><is><t>{t}</t></is></c>' for t in ("PYTHON", r"C:\Evil\python.exe"))
    evil = f'<sheetData><row r="1">{texts}</row></sheetData>'.encode()
    head, _, _ = parts["xl/worksheets/sheet1.xml"].partition(b"<sheetData>")
    parts["xl/worksheets/sheet1.xml"] = head + evil + b"</worksheet>"
    modules = vba.modules(["Sheet1", "Sheet2"])
    theirs = [Module(m.name, HOSTILE_WINDOWS if m.name == "XlEconWindows" else m.source, m.kind) for m in modules]
    hostile = saved(tmp_path / "hostile.xlsm", parts | {"xl/vbaProject.bin": vba_project("xl_econ", theirs)})
    for name in ("xl_econ.conf", "xlwings.conf"):
        (tmp_path / name).write_text('"INTERPRETER_WIN","C:\\Evil\\python.exe"\n')
    for name in ("xl_econ", "xlwings", "numpy", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')\n")
    [(found, log)] = run(tmp_path, [a_round([COST])], others=[hostile])
    assert found == [[[4742645.6514460305]]]
    assert [e for e in log if e[0] != "call"] == [
        ["exists", CONF],
        ["read", CONF],
        ["exists", RECORD.dll64],
        ["exists", RECORD.python],
        ["load", RECORD.dll64],
        ["start", COMMAND],
    ]


GOOD = FILES[CONF]
EVIL = {r"C:\Evil\evil.dll": "", r"C:\x.exe\" -c \"evil": ""}
BAD_RECORDS = [
    ({}, f"not installed for this user: there is no {CONF}; run install.ps1"),
    (FILES | {CONF: GOOD.replace("PYTHON=C:\\", "PYTHON=")}, "PYTHON must be an absolute path on a drive"),
    (FILES | {CONF: GOOD.replace("PYTHON=C:\\", "PYTHON=\\\\server\\")}, "PYTHON must be an absolute path"),
    (FILES | {CONF: GOOD.replace("PYTHON=", 'PYTHON=C:\\x.exe" -c "evil')}, "PYTHON must be an absolute path"),
    (FILES | EVIL | {CONF: GOOD.replace(RECORD.dll64, r"C:\Evil\evil.dll")}, r"must end in \xlwings64-0.37.8.dll"),
    (FILES | {CONF: GOOD.replace("VERSION=", "VERSION=9")}, f"this add-in is {__version__}, installed is 9"),
    ({CONF: GOOD, RECORD.dll64: ""}, f"{RECORD.python} is missing; run install.ps1 again"),
    (FILES | {CONF: "\ufeffVERSION="}, f"this add-in is {__version__}, installed is ;"),
    (FILES | {CONF: "nonsense"}, "no line VERSION=; run install.ps1 again"),
]


def test_a_bad_record_is_told_and_nothing_starts(tmp_path):
    """Then it is set right, and the same cells work."""
    rounds = [a_round([COST, "=WHY()"], files=files) for files, _ in BAD_RECORDS]
    *bad, (good, _), (restarted, log), (gone, _) = run(
        tmp_path, [*rounds, a_round([COST]), a_round([COST], crashes=1), a_round([COST], crashes=2)]
    )
    assert restarted == [[[4742645.6514460305]]]
    assert [entry[1] for entry in log if entry[0] == "start"] == [COMMAND, COMMAND], (
        "a server that ended is started again"
    )
    assert gone == [[["Error 2015"]]]
    for (found, log), (_, reason) in zip(bad, BAD_RECORDS, strict=True):
        assert found[0] == [["Error 2015"]]
        assert reason in found[1][0][0]
        assert not [entry for entry in log if entry[0] in ("start", "call", "load")], reason
    assert good == [[[4742645.6514460305]]]


def test_the_record_reads_back():
    assert decode(RECORD.encoded()) == RECORD
