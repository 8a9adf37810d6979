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
LLAMA = layout.folder() / "cases" / "training_budget" / "llama_3_1_405b.toml"
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
    assert "MFU within what runs reach: Live, Base, Low, High" in printed
    assert "the template's own: params_b, tokens_t, " in printed


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
    assert (code, err) == (3, "xl-econ: many.csv, line 3 (b): params_b = 9e+12: in billions, write 9000\n")
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
    (
        "a.toml",
        "[inputs]\ngpu = 'H10O'\n",
        "a.toml: gpu = 'H10O': accelerators has no accelerator 'H10O'; did you mean 'H100'?",
    ),
    ("a.toml", "[inputs]\ngpu = 'V100'\n", "has no bf16; it has fp32, fp16"),
    ("a.toml", "", "a.toml: gives no input; put them under [inputs]"),
    ("a.toml", "[inputs]\nmfu = 0.4\n[sources]\nmfuu = 'x'\n", "sources: unknown input 'mfuu'; did you mean 'mfu'?"),
    ("a.toml", "[inputs]\nmfu = 0.4\n[sources]\nmfu = { source = 'x', grade = 'E' }\n", "source of mfu: grade: "),
    ("a.toml", 'purpose = "a\\u0007"\n[inputs]\nmfu = 0.4\n', "purpose: holds '\\x07', which is a control character"),
    ("a.yaml", "inputs:\n  mfu: 0.4\n  mfu: 0.5\n", "the key 'mfu' stands there twice"),
    ("a.json", '{"inputs": {"mfu": 0.4, "mfu": 0.5}}', "the key 'mfu' stands there twice"),
    ("a.csv", "key,value\nmfu,0.4\nmfu,0.5\n", "the key 'mfu' stands there twice"),
    ("a.csv", "mfu;gpu\n0,4;H100\n", "the separator is ';'; it must be a comma"),
    ("a.csv", "mfu,\n0.4,1\n", "a column has no name"),
    ("a.csv", '"a', "malformed: "),
    ("a.csv", "mfu,case\n0.4,Hgh\n", "a.csv, line 2: no case 'Hgh'"),
    ("a.csv", "mfu,gpu\n,\n", "a.csv, line 2: gives no input"),
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
    ("a.csv", "", "a.csv: is empty"),
    ("a.csv", "params_b\n", "there is no row under the header"),
    ("a.csv", "params_b,params_b\n1,2\n", "the column 'params_b' stands there twice"),
    ("a.csv", "params_b,mfu\n1\n", "line 2: 1 cells under 2 columns"),
    ("a.csv", "params_b,mfuu\n1,2\n", "unknown input 'mfuu'"),
    ("a.xlsx", "x", "not a case file; it can be .toml"),
    ("a.toml", b"\xff", "cannot be read: it is not UTF-8"),
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
    assert run([*base, out], capsys)[0] == 0
    before = out.read_bytes()
    (tmp_path / "~$book.xlsx").write_bytes(b"")
    code, _, err = run([*base, out], capsys)
    assert code == 4
    assert "open in another program" in err
    (tmp_path / "~$book.xlsx").unlink()
    out.chmod(stat.S_IREAD)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to everything
    code, _, err = run([*base, out], capsys)
    assert (code, err) == (4, f"xl-econ: {out}: is read-only\n")
    assert out.read_bytes() == before
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
    with pytest.raises(WorkbookError, match="not as xl-econ built it; --force"), replacing(out):
        pass
    with pytest.raises(WorkbookError, match="No space left"), replacing(out, force=True) as beside:
        beside.write_bytes(b"half")
        raise OSError(28, "No space left on device")
    with pytest.raises(WorkbookError, match=r"not an .xlsx workbook"), replacing(out, force=True) as beside:
        beside.write_bytes(b"this is no workbook")
    with pytest.raises(WorkbookError, match="is a folder"), replacing(tmp_path):
        pass
    assert out.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [out]


def test_an_impossible_combination_is_named():
    with pytest.raises(InputError, match="Goodput by checkpoint model"):
        fill.model(TEMPLATE, fill.with_settings(fill.Case("x"), ["gpus=1e9", "failures_per_gpu_hour=1"], TEMPLATE))


@pytest.mark.parametrize(
    ("name", "setting", "text"),
    [
        (
            "inference_unit_economics",
            "gpus=1",
            "Cost of a million tokens (Live case) cannot be worked out: the model and",
        ),
        ("inference_unit_economics", "api_model=gpt-4x", "api_prices has no model 'gpt-4x'"),
        ("gpu_buy_vs_rent", "elastic_offer=AWS|H100|on-demand|last", "cloud_prices has no offer"),
        ("gpu_buy_vs_rent", "years=2.5", "years = 2.5: must be a whole number"),
    ],
)
def test_what_does_not_exist_is_said_before_anything_is_written(name, setting, text, tmp_path, capsys):
    code, printed, err = run(["fill", name, "--set", setting, "-o", tmp_path / "x.xlsx"], capsys)
    assert (code, printed) == (3, "")
    assert text in err
    assert list(tmp_path.iterdir()) == []


def test_a_workbook_that_somebody_edited_is_not_replaced(tmp_path, capsys):
    out = tmp_path / "book.xlsx"
    args = ["fill", "training_budget", "-i", LLAMA, "-o", out]
    assert run(args, capsys)[0] == 0
    assert run([*args, "--set", "mfu=0.4"], capsys)[0] == 0, "as built: nothing is lost"
    book = openpyxl.load_workbook(out)
    book["Changelog"]["D6"] = "my own line"
    book.save(out)
    edited = out.read_bytes()
    code, _, err = run(args, capsys)
    assert (code, "--force replaces it" in err) == (4, True)
    assert out.read_bytes() == edited
    assert run([*args, "--force"], capsys)[0] == 0
    (tmp_path / "empty.xlsx").write_bytes(b"")
    assert run([*args[:-1], tmp_path / "empty.xlsx"], capsys)[0] == 0


def test_a_batch_checks_every_place_before_it_writes(tmp_path, capsys):
    path = tmp_path / "many.csv"
    path.write_text("name,mfu\na,0.4\nb,0.41\n")
    (tmp_path / "out" / "b.xlsx").mkdir(parents=True)
    code, _, err = run(["fill", "training_budget", "-i", path, "-o", tmp_path / "out"], capsys)
    assert (code, "b.xlsx: is a folder" in err) == (4, True)
    assert not (tmp_path / "out" / "a.xlsx").exists()
    path.write_text("name,mfu\nX,0.4\nx,0.41\n")
    code, _, err = run(["fill", "training_budget", "-i", path, "-o", tmp_path / "new"], capsys)
    assert (code, "two cases would be written to X.xlsx" in err) == (3, True)
    code, _, err = run(["fill", "training_budget", "-i", LLAMA, "-o", tmp_path / ("a" * 300 + ".xlsx")], capsys)
    assert (code, "File name too long" in err) == (4, True)


def test_a_given_value_never_keeps_the_templates_source(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        "source = 'Board paper 12'\nas_of = '2026-11'\ngrade = 'B'\n[inputs]\nparams_b = 32\nmfu = 0.36\n"
        "[cases.High]\nusd_per_gpu_hour = 9\n[sources]\nmfu = 'Pilot run'\n"
    )
    [case] = fill.read(path, TEMPLATE)
    model = fill.model(TEMPLATE, fill.with_settings(case, ["gpus=512"], TEMPLATE))
    origins = {row.input.key: row.origin for row in model.inputs if hasattr(row, "origin")}
    assert (origins["params_b"].source, origins["params_b"].grade) == ("Board paper 12", "B")
    assert (origins["mfu"].source, origins["mfu"].as_of) == ("Pilot run", "2026-11")
    assert origins["usd_per_gpu_hour"].source == "Board paper 12"
    assert origins["gpus"].source == "Given without a source on the command line"
    assert origins["goodput"].source.startswith("Llama 3 paper")
    assert set(model.own) == set(TEMPLATE.by_key) - {"params_b", "mfu", "usd_per_gpu_hour", "gpus"}
    path.write_text("[inputs]\nparams_b = 32\n")
    model = fill.model(TEMPLATE, fill.read(path, TEMPLATE)[0])
    origin = next(r.origin for r in model.inputs if hasattr(r, "origin") and r.input.key == "params_b")
    assert (origin.source, origin.grade) == ("Given without a source in own.toml", "D")


def test_what_is_given_without_a_source_is_said_by_linter_and_audit(tmp_path, capsys):
    path, book = tmp_path / "own.toml", tmp_path / "own.xlsx"
    path.write_text("[inputs]\nparams_b = 32\n[sources]\n")
    assert cli.main(["fill", TEMPLATE.name, "-i", str(path), "--set", "gpus=512", "-o", str(book)]) == 0
    for command, check in (("lint", "source-not-given"), ("audit", "input-unsourced")):
        capsys.readouterr()
        cli.main([command, str(book), "--json"])
        found = json.loads(capsys.readouterr().out)["findings"]
        assert len([f for f in found if f.get("check", f.get("rule")) == check]) == 2, found
    assert cli.main(["fill", TEMPLATE.name, "-i", str(path), "--set", "mfu=62", "-o", str(book)]) == 3
    assert "own.toml with --set: mfu = 62" in capsys.readouterr().err


def test_checks_look_at_every_case():
    settings = ["budget_usd=12e6", "High.usd_per_gpu_hour=100", "High.mfu=0.05", "deadline_days=20"]
    model = fill.model(TEMPLATE, fill.with_settings(fill.Case("x"), settings, TEMPLATE))
    failing = {c.label: c.failing for c in model.checks if c.flag and c.severity == "check"}
    assert failing["MFU within what runs reach"] == ["High"]
    assert failing["Price within the market"] == ["High"]
    assert "High" in failing["Budget not exceeded"]
    assert failing["Days left before the deadline"] == ["Live", "Base", "Low", "High"]


def test_an_accelerator_without_a_stated_power(capsys, tmp_path):
    args = ["fill", "training_budget", "--set", "gpu=TPU v5p", "--dry-run"]
    code, _, err = run(args, capsys)
    assert (code, "Board power" in err) == (3, True)
    assert run([*args, "--set", "board_watts=500"], capsys)[0] == 0
