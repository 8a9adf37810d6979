"""Cases from TOML, YAML, JSON and CSV; every mistake is one line, and nothing half-written is left behind."""

import json
import os
import stat

import openpyxl
import pytest

from xl_econ import cli
from xl_econ.core.errors import InputError, WorkbookError
from xl_econ.templates import fill, layout
from xl_econ.workbook.write import replacing

TEMPLATE = layout.load("training_budget")
LLAMA = layout.folder() / "cases" / "llama_3_1_405b.toml"
INPUTS = {"params_b": 405, "tokens_t": 15.6, "mfu": 0.41, "usd_per_gpu_hour": 2.5, "gpu": "h100 sxm", "overhead": 0}

AS_TOML = "".join(f"{k} = {json.dumps(v)}\n" for k, v in INPUTS.items())
FILES = {
    "a.toml": f"[inputs]\n{AS_TOML}[cases.Low]\nmfu = 0.43\n",
    "a.yaml": "inputs:\n" + "".join(f"  {k}: {v}\n" for k, v in INPUTS.items()) + "cases:\n  low:\n    mfu: 43%\n",
    "a.json": json.dumps({"inputs": INPUTS, "cases": {"Low": {"mfu": 0.43}}}),
    "a.csv": ",".join([*INPUTS, "Low.mfu"]) + "\n" + ",".join(map(str, [*INPUTS.values(), "43%"])) + "\n",
    "b.csv": "key,value\n" + "".join(f"{k},{v}\n" for k, v in INPUTS.items()) + "Low.mfu,0.43\n",
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_says_the_same(name, tmp_path):
    path = tmp_path / name
    path.write_text(FILES[name])
    [case] = fill.read(path, TEMPLATE)
    model = fill.model(TEMPLATE, case)
    assert model.value("run_usd") == pytest.approx(405e9 * 6 * 15.6e12 / (989.4e12 * 0.41 * 3600 * 0.9) * 2.5)
    assert model.value("gpu") == "H100 SXM 80GB", "an alias is written as the table's key"
    assert [model.value("mfu", c) for c in ("Live", "Base", "Low", "High")] == [0.41, 0.41, 0.43, 0.41]


def run(args, capsys):
    code = cli.main([str(a) for a in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_fill_writes_the_workbook_and_reports(tmp_path, capsys):
    out = tmp_path / "out.xlsx"
    code, printed, _ = run(["fill", "training_budget", "-i", LLAMA, "-o", out, "--json"], capsys)
    assert code == 0
    report = json.loads(printed)
    assert report["results"]["run_usd"]["value"] == pytest.approx(28842313.89312074 * 2.5, rel=1e-12)
    assert report["checks"] == "All checks pass"
    assert [f["severity"] for f in report["flags"]] == ["info"]
    book = openpyxl.load_workbook(out, data_only=True)
    assert book["Cover"]["C4"].value == "What Llama 3.1 405B would cost to train again"
    assert book["Results"]["D5"].value == report["results"]["run_usd"]["value"]
    assert list(tmp_path.iterdir()) == [out]


def test_settings_and_dry_run(tmp_path, capsys):
    args = ["fill", "training_budget", "-i", LLAMA, "--set", "Low.mfu=50%", "--set", "case=low", "--set", "owner=Me"]
    code, printed, _ = run([*args, "--dry-run", "--json"], capsys)
    assert code == 0
    assert json.loads(printed)["case"] == "Low"
    assert json.loads(printed)["output"] is None
    code, printed, _ = run([*args, "-o", tmp_path / "x.xlsx"], capsys)
    assert (code, "x.xlsx" in printed) == (0, True)
    assert openpyxl.load_workbook(tmp_path / "x.xlsx")["Cover"]["C5"].value == "Me"
    code, printed, _ = run(["fill", "training_budget", "--set", "mfu=0.99", "--dry-run"], capsys)
    assert (code, "Checks failed: 2" in printed) == (0, True)


def test_a_csv_of_many_cases_fills_a_folder(tmp_path, capsys):
    path = tmp_path / "many.csv"
    path.write_text("name,params_b,mfu\nsmall,8,0.4\nlarge,405,41%\n=cmd,70,\n")
    out = tmp_path / "out"
    code, printed, _ = run(["fill", "training_budget", "-i", path, "-o", out, "--json"], capsys)
    assert code == 0
    assert [r["name"] for r in json.loads(printed)] == ["small", "large", "=cmd"]
    assert sorted(p.name for p in out.iterdir()) == ["cmd.xlsx", "large.xlsx", "small.xlsx"]
    assert run(["fill", "training_budget", "-i", path, "-o", tmp_path / "one.xlsx"], capsys)[0] == 2
    path.write_text("name,params_b\nsame,8\nsame,9\n")
    assert run(["fill", "training_budget", "-i", path, "-o", out], capsys)[0] == 3
    path.write_text("name,params_b\na,8\nb,9e12\n")
    code, _, err = run(["fill", "training_budget", "-i", path, "-o", tmp_path / "new"], capsys)
    assert (code, err) == (3, "xl-econ: many.csv, b: params_b = 9e+12: in billions, write 9000\n")
    assert not (tmp_path / "new").exists(), "nothing is written when one case is bad"


BAD = [
    ("a.toml", "[inputs]\nmfu = 41\n", "a.toml: mfu = 41: write 0.41 or 41%"),
    ("a.toml", "[inputs]\nparams_b = 7e10\n", "a.toml: params_b = 7e+10: in billions, write 70"),
    ("a.toml", "[inputs]\nusd_per_gpu_hour = -1\n", "a.toml: usd_per_gpu_hour = -1: must be at least 0"),
    ("a.toml", "[inputs]\nmfu = 'high'\n", "a.toml: mfu = 'high': expected a number"),
    ("a.toml", "[inputs]\nmfu = ''\n", "a.toml: mfu is missing"),
    ("a.toml", "[inputs]\nmfu = nan\n", "a.toml: mfu = nan: not a finite number"),
    ("a.toml", "[inputs]\nmfu = true\n", "a.toml: mfu = True: expected a number"),
    ("a.toml", "[inputs]\nmfu = [0.4]\n", "a.toml: mfu = [0.4]: expected a number"),
    ("a.toml", "[inputs]\ngpu = 'H10O'\n", "a.toml: accelerators has no accelerator 'H10O'; did you mean 'H100'?"),
    ("a.toml", "[inputs]\ngpu = 'V100'\n", "has no bf16"),
    ("a.toml", "[inputs]\nreference_run = 'gpt-oss-120b'\n", "has no tokens_t"),
    ("a.toml", "[inputs]\nmfuu = 0.4\n", "a.toml: inputs: unknown input 'mfuu'; did you mean 'mfu'?"),
    ("a.toml", "mfu = 0.4\n", "a.toml: unknown key 'mfu' (put it under [inputs])"),
    ("a.toml", "[input]\nmfu = 0.4\n", "a.toml: unknown key 'input'; did you mean 'inputs'?"),
    ("a.toml", "[cases.Lower]\nmfu = 0.4\n", "a.toml: no case 'Lower'; there are Base, Low, High; did you mean 'Low'?"),
    ("a.toml", "[cases.Low]\nmfu = 41\n", "a.toml: mfu (Low) = 41: write 0.41 or 41%"),
    ("a.toml", "template = 'fleet_plan'\n", "is a case of the template 'fleet_plan', not of 'training_budget'"),
    ("a.toml", "owner = 3\n", "a.toml: owner = 3: expected a text"),
    ("a.toml", "inputs = 3\n", "a.toml: inputs: expected keys and values"),
    ("a.toml", "[inputs\nmfu = 0.4\n", "malformed: "),
    ("a.yaml", "inputs: [1\n", "malformed: "),
    ("a.yaml", "inputs: !!python/object/apply:os.system [ls]\n", "malformed: "),
    ("a.json", "{", "malformed: "),
    ("a.json", "[1]", "must hold keys and values"),
    ("a.json", '{"inputs": {"mfu": NaN}}', "mfu = nan: not a finite number"),
    ("a.csv", "", "malformed: "),
    ("a.csv", "params_b\n", "there is no row under the header"),
    ("a.csv", "params_b,params_b\n1,2\n", "a column stands there twice"),
    ("a.csv", "params_b,mfu\n1\n", "line 2: 1 cells under 2 columns"),
    ("a.csv", "params_b,mfuu\n1,2\n", "unknown input 'mfuu'"),
    ("a.xlsx", "x", "not a case file; it can be .toml"),
    ("a.toml", b"\xff", "cannot be read"),
    ("missing.toml", None, "cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("name", "content", "text"), BAD, ids=[f"{n}-{str(c)[:30]}" for n, c, _ in BAD])
def test_a_bad_case_is_one_line_and_writes_nothing(name, content, text, tmp_path, capsys):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, printed, err = run(["fill", "training_budget", "-i", path, "-o", tmp_path / "out.xlsx"], capsys)
    assert (code, printed) == (3, "")
    assert text in err
    assert err.startswith("xl-econ: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "out.xlsx").exists()
    assert [p for p in tmp_path.iterdir() if p != path] == []


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("mfu", "--set mfu: expected key=value"),
        ("mfuu=1", "--set: unknown input 'mfuu'; did you mean 'mfu'?"),
        ("Lo.mfu=0.4", "--set: no case 'Lo'"),
        ("mfu=41", "mfu = 41: write 0.41 or 41%"),
        ("gpu=H10O", "did you mean 'H100'?"),
    ],
)
def test_bad_settings(setting, text, tmp_path, capsys):
    code, _, err = run(["fill", "training_budget", "--set", setting, "-o", tmp_path / "x.xlsx"], capsys)
    assert code == 3
    assert text in err


def test_places_that_cannot_be_written(tmp_path, capsys, monkeypatch):
    base = ["fill", "training_budget", "-i", LLAMA, "-o"]
    out = tmp_path / "book.xlsx"
    out.write_bytes(b"before")
    (tmp_path / "~$book.xlsx").write_bytes(b"")
    code, _, err = run([*base, out], capsys)
    assert code == 4
    assert "open in another program" in err
    (tmp_path / "~$book.xlsx").unlink()
    out.chmod(stat.S_IREAD)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to everything
    code, _, err = run([*base, out], capsys)
    assert (code, err) == (4, f"xl-econ: {out}: is read-only\n")
    assert out.read_bytes() == b"before"
    monkeypatch.undo()
    code, _, err = run([*base, tmp_path / "nowhere" / "book.xlsx"], capsys)
    assert (code, err) == (4, f"xl-econ: {tmp_path}/nowhere/book.xlsx: cannot be written: No such file or directory\n")
    assert run([*base, tmp_path / "book.pdf"], capsys)[0] == 2
    (tmp_path / "file").write_text("")
    code, _, err = run([*base, tmp_path / "file" / "sub"], capsys)
    assert (code, "cannot be made: " in err) == (4, True)
    assert run(["fill", "training_budget", "-i", LLAMA], capsys)[0] == 2
    assert run(["fill", "training_budget", "-o", out], capsys)[0] == 2


def test_a_failure_while_writing_leaves_the_old_file(tmp_path):
    out = tmp_path / "book.xlsx"
    out.write_bytes(b"before")
    with pytest.raises(WorkbookError, match="No space left"), replacing(out) as beside:
        beside.write_bytes(b"half")
        raise OSError(28, "No space left on device")
    with pytest.raises(WorkbookError, match=r"not an .xlsx workbook"), replacing(out) as beside:
        beside.write_bytes(b"this is no workbook")
    with pytest.raises(WorkbookError, match="is a folder"), replacing(tmp_path):
        pass
    assert out.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [out]


def test_an_impossible_combination_is_named():
    with pytest.raises(InputError, match="Goodput by checkpoint model"):
        fill.model(TEMPLATE, fill.with_settings(fill.Case("x"), ["gpus=1e9", "failures_per_gpu_hour=1"], TEMPLATE))
