"""The add-in: what is built, byte for byte; its VBA project by independent readers; what Excel and VBA can take."""

import inspect
import io
import json
import random
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from xml.etree import ElementTree as ET

import olefile
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oletools.olevba import VBA_Parser, decompress_stream

from xl_econ import __version__, cli
from xl_econ.addin import build, intellisense, ribbon, vba
from xl_econ.addin.cfb import compound_file
from xl_econ.addin.compression import compress
from xl_econ.addin.functions import EXTRA, RESERVED, Argument, Function, check, functions, is_cell_address
from xl_econ.addin.ovba import Module, vba_project
from xl_econ.addin.record import XLWINGS, Record, decode
from xl_econ.core.errors import InputError, LayoutError, WorkbookError
from xl_econ.hosts import udf
from xl_econ.metrics import REGISTRY
from xl_econ.templates import layout

ROOT = Path(__file__).parent.parent
WRITTEN_BY_HAND = ("XlEconCalls.bas", "XlEconServer.bas", "XlEconWindows.bas", "XlEconRibbon.bas")


@pytest.fixture(scope="module")
def xlam(tmp_path_factory):
    path = tmp_path_factory.mktemp("addin") / "xl_econ.xlam"
    build.write(path)
    return path


def opened(xlam):
    """The add-in by openpyxl, which takes the same package as a workbook with macros."""
    content = io.BytesIO()
    with zipfile.ZipFile(xlam) as package, zipfile.ZipFile(content, "w") as out:
        for name in package.namelist():
            out.writestr(name, package.read(name).replace(b"ms-excel.addin.macro", b"ms-excel.sheet.macro"))
    return openpyxl.load_workbook(content)


# Building


def test_the_same_bytes_each_time_and_as_shipped(xlam, tmp_path):
    again = tmp_path / "again.xlam"
    code = "import sys; from pathlib import Path; from xl_econ.addin.build import write; write(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(again)], check=True)  # another process, other hash seeds
    assert xlam.read_bytes() == again.read_bytes()


def test_the_shipped_add_in_is_this_one(xlam, tmp_path):
    """Part by part: another zlib may compress otherwise."""
    with zipfile.ZipFile(xlam) as built, zipfile.ZipFile(ROOT / "workbooks" / "xl_econ.xlam") as shipped:
        assert built.namelist() == shipped.namelist()
        for name in built.namelist():
            assert built.read(name) == shipped.read(name), f"{name}: make generate"
    build.write_sources(tmp_path)
    folder = ROOT / "workbooks" / "xl_econ.xlam.src"
    assert sorted(p.name for p in folder.iterdir()) == sorted(build.sources())
    for name in build.sources():
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), f"{name}: make generate"


def test_the_command(tmp_path, capsys):
    assert cli.main(["addin", "build", "-o", str(tmp_path / "a.xlam"), "--sources", str(tmp_path / "src")]) == 0
    assert str(tmp_path / "a.xlam") in capsys.readouterr().out
    assert (tmp_path / "src" / "XlEconCalls.bas").read_bytes().count(b"\r\n") > 100, "the VBA editor wants CR LF"
    assert cli.main(["addin", "build", "-o", str(tmp_path / "a.xlsx")]) == 2
    assert "an add-in is called .xlam" in capsys.readouterr().err
    assert cli.main(["addin", "build", "-o", str(tmp_path / "none" / "a.xlam")]) == 4
    assert cli.main(["addin", "biuld"]) == 2
    assert "did you mean 'build'?" in capsys.readouterr().err


def test_the_package(xlam):
    with zipfile.ZipFile(xlam) as package:
        assert package.testzip() is None
        parts = {name: package.read(name) for name in package.namelist()}
        assert {i.date_time for i in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    for name, content in parts.items():
        if name.endswith((".xml", ".rels")):
            ET.fromstring(content)
    assert b"application/vnd.ms-excel.addin.macroEnabled.main+xml" in parts["[Content_Types].xml"]
    for override in re.findall(rb'PartName="/([^"]+)"', parts["[Content_Types].xml"]):
        assert override.decode() in parts
    for folder, links in (("", "_rels/.rels"), ("xl/", "xl/_rels/workbook.xml.rels")):
        for target in re.findall(rb'Target="([^"]+)"', parts[links]):
            assert folder + target.decode() in parts
    assert __version__.encode() in parts["docProps/core.xml"]
    book = opened(xlam)
    assert book.sheetnames == ["About", "_IntelliSense_"]
    assert [sheet.sheet_state for sheet in book] == ["visible", "hidden"], "a workbook needs a sheet to show"


# The VBA project, by readers that are not ours


def test_olevba_reads_the_sources(xlam):
    parser = VBA_Parser(str(xlam))
    assert parser.detect_vba_macros()
    found = {name: code.replace("\r\n", "\n") for _, _, name, code in parser.extract_all_macros()}
    parser.close()
    assert found == build.sources()


def test_olefile_has_no_complaint(xlam):
    with zipfile.ZipFile(xlam) as package:
        project = package.read("xl/vbaProject.bin")
    with olefile.OleFileIO(io.BytesIO(project), raise_defects=olefile.DEFECT_POTENTIAL) as file:
        assert not file.parsing_issues
        names = {"/".join(name) for name in file.listdir()}
        assert names >= {"PROJECT", "PROJECTwm", "VBA/_VBA_PROJECT", "VBA/dir"}
        assert file.openstream("VBA/_VBA_PROJECT").read() == b"\xcc\x61\xff\xff\x00\x01\x00", "source only"
        settings = file.openstream("PROJECT").read().decode("cp1252")
    for m in vba.modules(["Sheet1", "Sheet2"]):
        assert re.search(rf"^(Document={m.name}/&H00000000|Module={m.name})\r$", settings, re.MULTILINE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a",
        b"aaaa" * 5000,
        bytes(range(256)) * 40,
        b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa",  # the example of MS-OVBA, section 3.2.3
        random.Random(1).randbytes(3640),
        random.Random(2).randbytes(4096 * 3),
        b"".join(random.Random(3).choices([b"Function ", b"End ", b"x = ", b"1\r\n", b"As Variant"], k=9000)),
    ],
    ids=["empty", "one", "run", "cycle", "example", "random", "random chunks", "text"],
)
def test_compression_round_trip(content):
    assert bytes(decompress_stream(bytearray(compress(content)))) == content


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=20), st.lists(st.integers(0, 19), max_size=400))
def test_compression_of_whatever_repeats(words, order):
    content = b"".join(words[n % len(words)] for n in order) if words else b""
    packed = compress(content)
    assert bytes(decompress_stream(bytearray(packed))) == content
    assert len(packed) <= 1 + len(content) * 9 // 8 + 3 * (1 + len(content) // 4096)


def test_an_incompressible_last_chunk_is_padded():
    content = random.Random(4).randbytes(4000)
    assert bytes(decompress_stream(bytearray(compress(content)))).rstrip(b"\0") == content.rstrip(b"\0")


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 31, 40])
def test_compound_file_of_any_number_of_streams(count):
    """Small streams, streams of exactly a sector, large ones; read back by olefile."""
    rng = random.Random(count)
    sizes = (0, 1, 64, 512, 4095, 4096, 4097, 70_000)
    streams = {f"S{n:02}{'x' * (n % 5)}": rng.randbytes(sizes[n % len(sizes)]) for n in range(count)}
    tree = {"VBA": streams, "PROJECT": b"text"}
    with olefile.OleFileIO(io.BytesIO(compound_file(tree)), raise_defects=olefile.DEFECT_POTENTIAL) as file:
        assert not file.parsing_issues
        assert {name: file.openstream(["VBA", name]).read() for name in streams} == streams
        assert file.openstream("PROJECT").read() == b"text"
        assert file.openstream(["vba", next(iter(streams)).lower()]), "found whatever the case, by the tree"


def test_a_compound_file_that_is_too_large():
    with pytest.raises(WorkbookError, match="larger than this writer can make"):
        compound_file({"S": bytes(8 << 20)})


def test_a_project_of_one_module():
    source = 'Attribute VB_Name = "M"\nFunction F()\nF = 1\nEnd Function'
    parser = VBA_Parser("m.bin", data=vba_project("p", [Module("M", source)]))
    [(_, _, _, code)] = parser.extract_all_macros()
    assert code == source.replace("\n", "\r\n") + "\r\n"


# The functions


def test_every_function_of_the_host_has_a_wrapper():
    assert {f.name for f in functions()} == set(udf.FUNCTIONS)
    assert udf.CATEGORY == vba.CATEGORY
    for f in EXTRA:
        ours = [a.optional for a in f.arguments if not a.rest]
        theirs = [
            p for p in inspect.signature(getattr(udf, f.name)).parameters.values() if p.kind is not p.VAR_POSITIONAL
        ]
        assert ours == [p.default is not p.empty for p in theirs]
    for m in REGISTRY.values():
        [f] = [f for f in functions() if f.name == m.name]
        assert [a.name.removesuffix("_") for a in f.arguments] == list(m.params)
        assert [a.optional for a in f.arguments] == [p.optional for p in m.params.values()]
        needed = list(takewhile(lambda a: not a.optional, f.arguments))
        assert all(a.optional for a in f.arguments[len(needed) :]), "VBA: after an optional argument all are"


def test_the_wrappers_text():
    text = vba.wrappers(
        [Function("F", 'Says "hi".', (Argument("a", "A."), Argument("b", "B.", optional=True))), *EXTRA]
    )
    assert (
        "Public Function F(ByVal a As Variant, Optional ByVal b As Variant) As Variant\n"
        'Attribute F.VB_Description = "Says ""hi""."\n'
        'Attribute F.VB_ProcData.VB_Invoke_Func = " \\n14"\n'
        '    F = XlEconCall("F", Array(a, b))\n'
        "End Function\n"
    ) in text
    assert "Public Function XL_ECON_VERSION() As Variant" in text
    assert 'EXPLAIN = XlEconCall("EXPLAIN", XlEconJoined(Array(function_name), arguments))' in text
    assert text.count("Application.Volatile") == 1, "WHY alone"


GOOD = Function("TRAIN_COST", "Help.", (Argument("mfu", "Help."),))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (replace(GOOD, name="TCO1"), "Excel reads TCO1 as a cell address"),
        (replace(GOOD, name="R1C1"), "Excel reads R1C1 as a cell address"),
        (replace(GOOD, name="C"), "Excel reads C as a cell address"),
        (replace(GOOD, name="LOOP"), "LOOP is a word of VBA"),
        (replace(GOOD, name="XE.COST"), "a name is a letter and then"),
        (replace(GOOD, name="_COST"), "a name is a letter and then"),
        (replace(GOOD, name="train_cost"), "the name is taken"),
        (replace(GOOD, name="X_2", help=""), "no help text"),
        (replace(GOOD, name="X_2", help="x" * 256), "a help text of 256 characters; Excel shows at most 255"),
        (replace(GOOD, name="X_2", help="5 \N{EURO SIGN}"), "plain ASCII"),
        (replace(GOOD, name="X_2", help="two\nlines"), "on one line"),
        (replace(GOOD, name="X_2", arguments=(Argument("end", "Help."),)), "argument end: end is a word of VBA"),
        (replace(GOOD, name="X_2", arguments=(Argument("h100", "Help."),)), "Excel reads h100 as a cell address"),
        (replace(GOOD, name="X_2", arguments=(Argument("x_2", "Help."),)), "the name is taken within the function"),
        (replace(GOOD, name="X_2", arguments=GOOD.arguments * 2), "the name is taken within the function"),
        (
            replace(GOOD, name="X_2", arguments=tuple(Argument(f"arg_{n}", "Help.") for n in range(61))),
            "61 arguments; VBA takes at most 60",
        ),
    ],
)
def test_what_excel_or_vba_would_refuse(function, message):
    with pytest.raises(LayoutError, match=re.escape(message)):
        check([GOOD, function])


def test_cell_addresses():
    assert all(map(is_cell_address, ("A1", "xfd1048576", "H100", "R", "c", "R5", "RC", "R1C", "rc7")))
    assert not any(map(is_cell_address, ("XFE1", "A0", "A1048577", "MFU", "GPU_1", "R1C1X", "RCS", "CRF")))


def test_a_word_of_vba_gets_an_underscore():
    used = {a.name.lower() for f in functions() for a in f.arguments}
    assert not used & RESERVED
    words = {name for m in REGISTRY.values() for name in m.params} & RESERVED
    assert words <= {name.removesuffix("_") for name in used if name.endswith("_")}
    assert words, "case is one"


def test_lines_that_vba_cannot_take(monkeypatch):
    monkeypatch.setattr(vba, "LONGEST_LINE", 100)
    with pytest.raises(LayoutError, match=r"module \w+, line \d+: too long"):
        vba.modules([])
    monkeypatch.setattr(vba, "LARGEST_MODULE", 5)
    with pytest.raises(LayoutError, match="VBA takes 5"):
        vba.modules([])


def test_limits_of_vba():
    for module in vba.modules(["Sheet1", "Sheet2"]):
        lines = module.source.splitlines()
        assert max(map(len, lines)) <= 1023
        assert module.source.isascii()
        assert not [line for line in lines if line.endswith(" _")], "no continuations, so none of too many lines"
        assert len(module.name) <= 31
        assert len(module.encoded) < 64 << 10
        procedures = set(re.findall(r"(?:Sub|Function) (\w+)\(", module.source))
        assert module.name not in procedures, "VBA takes the module for the procedure"


def test_help_for_the_dialogs(xlam):
    sheet = opened(xlam)[intellisense.SHEET]
    rows = [[v for v in row] for row in sheet.iter_rows(values_only=True)]
    assert rows[0][0] == "FunctionInfo"
    assert [r[0] for r in rows[1:]] == [f.name for f in functions()]
    [row] = [r for r in rows if r[0] == "TRAIN_COST"]
    m = REGISTRY["TRAIN_COST"]
    assert row[1] == m.doc.summary
    assert row[3:5] == ["params_b", m.params["params_b"].help]
    assert row[3 + 2 * 5] == "[goodput]"


# The ribbon


def test_the_ribbon():
    root = ET.fromstring(ribbon.custom_ui())
    controls = [e for e in root.iter() if e.get("id")]
    assert len({e.get("id") for e in controls}) == len(controls)
    tags = [e.get("tag") for e in controls if e.get("tag")]
    assert tags == [
        *(f"insert_template:{name}" for name in layout.names()),
        *("explain_cell", "audit_workbook", "refresh_prices", "why", "help", "about"),
    ]
    source = build.sources()["XlEconRibbon.bas"]
    for e in controls:
        if e.get("onAction"):
            assert f"Public Sub {e.get('onAction')}(ByVal control As Object)" in source
        if e.get("imageMso"):
            assert e.get("supertip")
            assert e.get("keytip")
    home = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Source"]
    assert f'"{home}#readme"' in source


# What the runtime may ask for


def code_of(file):
    """The statements of a module, without its comments."""
    lines = build.sources()[file].splitlines()
    return "\n".join(re.sub(r"(^|\s)'.*", "", line) for line in lines)


@pytest.mark.parametrize("file", [*WRITTEN_BY_HAND, "XlEconFunctions.bas", "ThisWorkbook.cls"])
def test_nothing_is_read_from_the_active_workbook_or_its_folder(file):
    code = code_of(file)
    for word in (
        *("ActiveWorkbook", "ActiveSheet", "ActiveCell", "Selection", "Caller", "Workbooks", "CurDir", "ChDir", "Dir("),
        *(
            "Evaluate",
            "ExecuteExcel4Macro",
            "Shell",
            "Application.Run",
            ".Path",
            "Environ(",
            "Environ$",
            "GetSetting",
            "CallByName",
        ),
        *("Names(", "CustomDocumentProperties", "LoadLibraryA"),
    ):
        assert word.lower() not in code.lower(), word
    if file != "ThisWorkbook.cls":  # which reads its own last sheet, when it opens
        assert not re.search(r"\b(Sheets|Worksheets|Range|Cells)\b *\(", code)


def test_windows_is_asked_in_one_module_only():
    for file in build.sources():
        asks = re.findall(r"\b(Declare|CreateObject|GetObject|Lib)\b", code_of(file))
        assert not asks or file == "XlEconWindows.bas", (file, asks)
    code = code_of("XlEconWindows.bas")
    assert re.findall(r'CreateObject\("([^"]+)"\)', code) == [
        "Scripting.FileSystemObject",
        "Scripting.FileSystemObject",
        "Scripting.Dictionary",
    ]
    assert sorted(set(re.findall(r'Lib "([^"]+)"', code))) == [
        "kernel32",
        f"xlwings32-{XLWINGS}.dll",
        f"xlwings64-{XLWINGS}.dll",
    ]
    assert "LoadLibraryExW(StrPtr(path), 0, FROM_ITS_FOLDER Or FROM_SYSTEM32)" in code


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["excel"][0] == f"xlwings=={XLWINGS}"
    assert f'XL_ECON_VERSION_OF_ADDIN As String = "{__version__}"' in build.sources()["XlEconServer.bas"]


# The server


def isolated(code, *args, cwd=None, env=None):
    return subprocess.run(
        [sys.executable, "-I", "-c", code, *args], capture_output=True, text=True, check=False, cwd=cwd, env=env
    )


def test_a_module_of_a_tempting_name_is_not_imported(tmp_path):
    """Beside the workbook, where Excel's working folder often is, and where PYTHONPATH points."""
    for name in ("xl_econ", "xlwings", "numpy", "sitecustomize", "usercustomize", "encodings"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')\n")
    env = {"PYTHONPATH": str(tmp_path), "PYTHONHOME": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "xlwings.py")}
    done = isolated("import sys, json; print(json.dumps(sys.path))", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert not {"", ".", str(tmp_path)} & set(json.loads(done.stdout))
    code = "import sys; sys.path.insert(0, sys.argv[1]); import xl_econ.addin.server, xlwings; print(xlwings.__file__)"
    done = isolated(code, str(ROOT), cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in done.stdout


SERVE = """
import os, sys, types
sys.path[:0] = [sys.argv[1], sys.argv[2]]
served = []
import xlwings
sys.modules["xlwings.com_server"] = xlwings.com_server = types.SimpleNamespace(serve=served.append)
from xl_econ.addin import server
code = server.main(sys.argv[3:])
print(code, served, os.getcwd() == sys.prefix, "xl_econ.hosts.udf" in sys.modules)
"""
CLASS_ID = "{506E67C3-55B5-48C3-A035-EED5DEEA7D6D}"


def test_the_server_serves_with_the_functions_loaded(tmp_path):
    done = isolated(SERVE, str(ROOT), str(Path(__file__).parent), CLASS_ID, cwd=tmp_path)
    assert done.stdout.split("\n")[0] == f"0 ['{CLASS_ID}'] True True", done.stderr


@pytest.mark.parametrize("args", [[], ["x"], [CLASS_ID, "x"], [CLASS_ID + "; import os"]])
def test_the_server_wants_a_class_id(args, tmp_path):
    done = isolated(SERVE, str(ROOT), str(tmp_path), *args)
    assert done.stdout.startswith("2 []")
    assert "started by the Excel add-in" in done.stderr


def test_the_server_wants_isolation(capsys):
    from xl_econ.addin import server

    assert server.main([CLASS_ID]) == 2
    assert "python -I -m xl_econ.addin.server" in capsys.readouterr().err


# The installer's record

RECORD = Record(
    __version__,
    r"C:\Users\J\u00fcrgen\venv\Scripts\python.exe",
    r"C:\v\xlwings64-0.37.8.dll",
    r"C:\v\xlwings32-0.37.8.dll",
)


def test_the_record():
    assert decode(RECORD.encoded()) == RECORD
    assert RECORD.encoded().startswith(b"\xff\xfeV\0E\0"), "what a VBA program reads as Unicode"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"python": "python.exe"}, "PYTHON must be an absolute path on a drive, not 'python.exe'"),
        ({"python": r"\\server\share\python.exe"}, "PYTHON must be an absolute path on a drive"),
        ({"python": 'C:\\a" -c "evil'}, "PYTHON must be an absolute path"),
        ({"dll64": r"C:\v\xlwings64-0.30.0.dll"}, f"DLL64 must name xlwings64-{XLWINGS}.dll"),
        ({"dll32": r"C:\v\xlwings64-0.37.8.dll"}, f"DLL32 must name xlwings32-{XLWINGS}.dll"),
    ],
)
def test_records_that_are_refused(change, message):
    with pytest.raises(InputError, match=re.escape(message)):
        replace(RECORD, **change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("VERSION=1\r\nPYTHON", "line 2: 'PYTHON' is not one of VERSION, PYTHON, DLL64, DLL32=VALUE, once each"),
        ("VERSION=1\r\nVERSION=2", "line 2"),
        ("INTERPRETER=x", "line 1"),
        ("VERSION=1", "no PYTHON, DLL64, DLL32; run the installer again"),
    ],
)
def test_records_that_cannot_be_read(text, message):
    with pytest.raises(InputError, match=re.escape(message)):
        decode(("\ufeff" + text).encode("utf-16-le"))


def test_a_record_that_is_no_text():
    with pytest.raises(InputError, match="not a UTF-16 text"):
        decode(b"\xff\xfeV\0E")
