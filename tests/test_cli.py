"""The command line: output for people and for machines, exit codes, and errors of one line."""

import json
import os
import subprocess
import sys

import pytest

from xl_econ import __version__, cli
from xl_econ.metrics import REGISTRY
from xl_econ.tables.store import TABLES

COST = ["TRAIN_COST", "params_b=37", "tokens_t=14.8", "peak_tflops=989.4", "mfu=0.389", "usd_per_gpu_hour=2"]


def run(args, capsys):
    code = cli.main([str(a) for a in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_calc_json(capsys):
    code, out, err = run(["calc", *COST, "--json"], capsys)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert list(found) == ["function", "inputs", "value", "unit", "steps"]
    assert found["value"] == 4742645.6514460305
    assert found["inputs"]["goodput"] == 1.0
    assert [s["name"] for s in found["steps"]] == ["flop_per_token", "train_flop", "gpu_hours", "TRAIN_COST"]
    assert [s["unit"] for s in found["steps"]] == ["FLOP/token", "FLOP", "GPU-h", "USD"]
    assert found["steps"][-1]["value"] == found["value"]


def test_calc_takes_arguments_in_order_and_percent(capsys):
    assert run(["calc", "train_cost", "37", "14.8", "989.4", "38.9%", "2"], capsys)[1] == "4,742,645.651446 USD\n"
    assert run(["calc", "GPU_SPEC", "h100", "vendor"], capsys)[1] == "NVIDIA\n"
    assert run(["calc", "GPU_SPEC", "h100", "hbm_tbps"], capsys)[1] == "3.35 TB/s/GPU\n"
    assert run(["calc", "TRAIN_FLOP", "175", "0.3"], capsys)[1] == "3.15e+23 FLOP\n"


def test_explain(capsys):
    code, out, _ = run(["explain", "GOODPUT", "gpus=16384"], capsys)
    assert code == 0
    assert "best_interval" in out
    assert "SQRT(2 * checkpoint * mtbf)" in out
    assert json.loads(run(["explain", "GOODPUT", "16384", "--json"], capsys)[1])["inputs"]["interval_min"] == "auto"


@pytest.mark.parametrize("name", REGISTRY)
def test_show(name, capsys):
    code, out, _ = run(["show", name], capsys)
    assert code == 0
    assert out.startswith(f"{REGISTRY[name].signature}  gives {REGISTRY[name].unit}")
    found = json.loads(run(["show", name.lower(), "--json"], capsys)[1])
    assert found["lambda"].startswith("=LAMBDA(")
    assert list(found["definition"])[-1] == name


def test_list_tables_and_version(capsys):
    assert {f["function"] for f in json.loads(run(["list", "--json"], capsys)[1])} == set(REGISTRY)
    assert "TRAIN_COST" in run(["list"], capsys)[1]
    assert {t["table"] for t in json.loads(run(["tables", "--json"], capsys)[1])} == set(TABLES)
    assert "accelerators" in run(["tables"], capsys)[1]
    found = json.loads(run(["tables", "accelerators", "--json"], capsys)[1])
    assert found["units"]["bf16"] == "TFLOP/s/GPU"
    assert found["rows"][0]["source"]
    assert "H100 SXM 80GB" in run(["tables", "accelerators"], capsys)[1]
    assert json.loads(run(["version", "--json"], capsys)[1])["xl-econ"] == __version__
    assert __version__ in run(["version"], capsys)[1]
    assert "training_budget" in run(["new"], capsys)[1]


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["calc", *COST[:4], "mfu=41", COST[5]], 3, "mfu = 41: write 0.41 or 41%"),
        (["calc", COST[0], "params_b=7e10", *COST[2:]], 3, "params_b = 7e+10: in billions, write 70"),
        (["calc", *COST[:5], "usd_per_gpu_hour=-1"], 3, "usd_per_gpu_hour = -1: must be at least 0"),
        (["calc", *COST[:5], "usd_per_gpu_hour=two"], 3, "usd_per_gpu_hour = 'two': expected a number in USD/GPU-h"),
        (["calc", *COST[:5], "usd_per_gpu_hour=nan"], 3, "usd_per_gpu_hour = nan: not a finite number"),
        (["calc", *COST[:5], "usd_per_gpu_hour="], 3, "usd_per_gpu_hour is missing"),
        (["calc", *COST[:5]], 3, "usd_per_gpu_hour is missing"),
        (["calc", *COST, "godput=1"], 3, "TRAIN_COST has no argument 'godput'; did you mean 'goodput'?"),
        (["calc", *COST, "mfu=0.4"], 3, "argument 'mfu' given twice"),
        (["calc", *COST, "7"], 2, "'7' stands after a named argument; name it too"),
        (["calc", "GPU_SPEC", "gpu=H10O", "field=bf16"], 3, "no accelerator 'H10O'; did you mean 'H100'?"),
        (["calc", "TRAIN_COTS"], 2, "no function 'TRAIN_COTS'; did you mean 'TRAIN_COST'?"),
        (["calc"], 2, "the following arguments are required: NAME"),
        (["clac", "TRAIN_COST"], 2, "no command 'clac'; did you mean 'calc'?"),
        (["list", "--jsn"], 2, "unrecognized arguments: --jsn"),
        ([], 2, "required: command"),
        (["show", "nothing at all"], 2, "no function 'nothing at all'"),
        (["fill", "training_budget", "--set", "mfu", "--dry-run"], 2, "--set mfu: expected key=value"),
        (["recalc", "x.xlsx", "--tolerance", "-1"], 2, "--tolerance -1: must be at least 0"),
        (["tables", "acelerators"], 3, "no table 'acelerators'; did you mean 'accelerators'?"),
        (["new", "trainig_budget", "-o", "x.xlsx"], 2, "no template 'trainig_budget'; did you mean 'training_budget'?"),
        (["new", "training_budget"], 2, "where to? name a workbook or a folder"),
        (
            ["new", "training_budget", "-o", "x.xlsx", "--flavour", "lamda"],
            2,
            "no --flavour 'lamda'; did you mean 'lambda'?",
        ),
        (["recalc", "missing.xlsx"], 4, "missing.xlsx: No such file or directory"),
        (["recalc", "missing.xlsx", "--engine", "excel"], 2, "no --engine 'excel'; there are ironcalc, libreoffice"),
    ],
)
def test_errors(args, code, text, capsys):
    found, out, err = run(args, capsys)
    assert (found, out) == (code, "")
    assert err.startswith("xl-econ: ")
    assert text in err
    assert err.count("\n") == 1


def test_an_internal_error_is_no_traceback(capsys, monkeypatch):
    monkeypatch.setattr("xl_econ.commands.functions.list_", lambda args: 1 / 0)
    code, _, err = run(["list"], capsys)
    assert code == cli.INTERNAL_ERROR
    assert "internal error: ZeroDivisionError" in err
    monkeypatch.setenv("XL_ECON_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["list"])


def test_interrupt(capsys, monkeypatch):
    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr("xl_econ.commands.functions.list_", interrupted)
    assert run(["list"], capsys)[0] == 130


def process(*args, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", "xl_econ", *args], capture_output=True, text=True, check=False, **kwargs
    )


def test_as_a_process():
    assert "calc" in process("--help").stdout
    assert process("--version").stdout == f"xl-econ {__version__}\n"
    assert process("calc", "TRAIN_DAYS", "24", "1").stdout == "1 day\n"
    assert process("calc", "TRAIN_DAYS").returncode == 3


def test_a_reader_that_stops_early():
    command = f"{sys.executable} -m xl_econ tables accelerators --json | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_progress_on_a_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    path = tmp_path / "two.csv"
    path.write_text("name,mfu\na,0.4\nb,0.41\n")
    code, out, err = run(["fill", "training_budget", "-i", path, "-o", tmp_path / "out"], capsys)
    assert code == 0
    assert "workbook" in err
    assert "a.xlsx" in out


def test_show_a_template(capsys):
    code, out, _ = run(["show", "training_budget"], capsys)
    assert code == 0
    assert "usd_per_gpu_hour" in out
    found = json.loads(run(["show", "training_budget", "--json"], capsys)[1])
    assert {i["key"] for i in found["inputs"]} >= {"mfu", "gpu", "budget_usd"}


def test_output_that_cannot_be_written():
    command = f"{sys.executable} -m xl_econ list > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == "xl-econ: cannot be read or written: No space left on device\n"


def test_conflicts_and_old_rows_of_a_table(capsys):
    code, out, _ = run(["tables", "cloud_prices", "--conflicts"], capsys)
    assert code == 1
    assert "12.25  2025        D (seed)  AWS|H100 SXM 80GB|on-demand|seed" in out
    assert out.splitlines()[-1].startswith("cloud_prices: ")
    code, out, _ = run(["tables", "cloud_prices", "--conflicts", "--older-than", "180", "--json"], capsys)
    found = json.loads(out)
    assert code == 1
    assert list(found) == ["table", "conflicts", "older"]
    assert found["conflicts"][0]["quotes"][0].keys() == {"key", "price", "as_of", "grade", "seed", "source"}
    assert run(["tables", "cloud_prices", "--conflicts", "--older-than", "180"], capsys)[0] == 1
    code, out, _ = run(["tables", "cloud_prices", "--older-than", "99999"], capsys)
    assert (code, out) == (0, "cloud_prices: 0 of 165 rows are older than that\n")
    assert run(["tables", "mfu_typical", "--older-than", "100"], capsys)[0] == 1


def test_rows_of_a_table_that_hold_a_text(capsys):
    rows = TABLES["cloud_prices"].shipped.values()
    words = ["tables", "cloud_prices", "--where", "Provider=aws", "--where", "gpu = h100 sxm"]
    found = json.loads(run([*words, "--json"], capsys)[1])["rows"]
    assert found == [r.model_dump() for r in rows if r.provider == "AWS" and r.gpu == "H100 SXM 80GB"]
    out = run(words, capsys)[1]
    assert out.splitlines()[-1].startswith(f"{len(found)} of {len(rows)} rows, shipped")
    for condition, column, value in (
        ("usd_per_gpu_hour=6.88", "usd_per_gpu_hour", 6.88),
        ("note=", "note", None),
    ):
        found = json.loads(run([*words[:2], "--where", condition, "--json"], capsys)[1])["rows"]
        assert found == [r.model_dump() for r in rows if getattr(r, column) == value]
        assert found
    code, out, _ = run([*words[:2], "--where", "note=no such note"], capsys)
    assert (code, out.splitlines()[-1].split(",")[0]) == (0, f"0 of {len(rows)} rows")
    assert (
        run(["tables", "seed_claims", "--where", "verdict=none of them"], capsys)[1].splitlines()[-1].startswith("0 ")
    )


def test_cells_are_cut_for_a_terminal_only(capsys, monkeypatch):
    longest = max((r.aliases for r in TABLES["cloud_prices"].shipped.values() if r.aliases), key=len)
    assert longest in run(["tables", "cloud_prices"], capsys)[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    out = run(["tables", "cloud_prices"], capsys)[1]
    assert longest not in out
    assert f"{longest[:25]}..." in out


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["accelerators", "--where", "vendr=NVIDIA"], 3, "accelerators has no column 'vendr'; did you mean 'vendor'?"),
        (["accelerators", "--where", "vendor"], 2, "'vendor': expected column=text"),
        (["accelerators", "--where", "bf16=fast"], 3, "bf16=fast: the column holds numbers"),
        (["accelerators", "--where", "bf16=nan"], 3, "bf16=nan: the column holds numbers"),
        (["--where", "vendor=AMD"], 2, "--where chooses among the rows of one table"),
        (["cloud_prices", "--conflicts", "--where", "gpu=H100"], 2, "--where chooses among the rows of one table"),
        (["refresh", "api_prices", "--where", "model=x"], 2, "refresh does not take them"),
    ],
)
def test_conditions_that_are_refused(args, code, text, capsys):
    found, out, err = run(["tables", *args], capsys)
    assert (found, out) == (code, "")
    assert text in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["accelerators", "--conflicts"], "accelerators has no offers with several prices; there are cloud_prices"),
        (["--conflicts"], "ask about one table: name it"),
        (["cloud_prices", "--older-than", "-1"], "--older-than -1: must be at least 0"),
    ],
)
def test_questions_that_a_table_cannot_answer(args, text, capsys):
    code, out, err = run(["tables", *args], capsys)
    assert (code, out) == (2, "")
    assert text in err
    assert err.count("\n") == 1
