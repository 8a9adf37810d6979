"""What a sweep writes: draws, states, tables of cases; whole files, whatever interrupts it."""

from __future__ import annotations

import csv
import itertools
import json
import re
from pathlib import Path

import numpy as np
import openpyxl
import pytest

import xl_econ
from xl_econ import cli
from xl_econ.scenarios import run as sweeps
from xl_econ.scenarios.cases import read
from xl_econ.scenarios.draws import BLOCK
from xl_econ.scenarios.sketch import Sketch


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_draws_are_written_whole_with_inputs_and_results(case_file: Path, tmp_path: Path, kind: str, capsys) -> None:
    import pandas as pd

    path = tmp_path / f"draws.{kind}"
    argv = ["sweep", "train_cost", "--cases", str(case_file), "-n", str(BLOCK + 100), "--draws", str(path)]
    assert cli.main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    table = pd.read_parquet(path) if kind == "parquet" else pd.read_csv(path)
    assert list(table) == ["mfu", "usd_per_gpu_hour", "train_cost"]
    assert len(table) == BLOCK + 100
    cost = xl_econ.train_cost(405, 15.6, 989.4, table["mfu"], table["usd_per_gpu_hour"])
    pd.testing.assert_series_equal(cost, table["train_cost"], check_names=False, rtol=1e-14)
    assert np.quantile(table["train_cost"], 0.9) == pytest.approx(found["quantiles"]["p90"], rel=1e-14)
    assert cli.main(argv) == 2
    assert "exists; --force replaces it" in capsys.readouterr().err
    assert cli.main([*argv, "--force"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case.toml", path.name]


def test_what_interrupts_a_sweep_leaves_no_half_file_and_a_state(
    case_file: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    base = ["sweep", "train_cost", "--cases", str(case_file), "-n", str(20 * BLOCK), "--json"]
    assert cli.main(base) == 0
    whole = capsys.readouterr().out
    take, count = sweeps.Gathered.take, itertools.count()

    def interrupted(self: sweeps.Gathered, part: sweeps.Part) -> None:
        if next(count) == 3:
            raise KeyboardInterrupt
        take(self, part)

    monkeypatch.setattr(sweeps.Gathered, "take", interrupted)
    assert cli.main([*base, "--draws", str(tmp_path / "d.csv")]) == 130
    assert [p.name for p in tmp_path.iterdir()] == ["case.toml"]
    count = itertools.count()
    assert cli.main([*base, "--state", str(tmp_path / "s.json")]) == 130
    assert "--resume goes on from there" in capsys.readouterr().err
    monkeypatch.undo()
    assert cli.main([*base, "--state", str(tmp_path / "s.json")]) == 2
    assert "exists" in capsys.readouterr().err
    assert cli.main([*base, "--state", str(tmp_path / "s.json"), "--resume"]) == 0
    assert capsys.readouterr().out == whole
    assert [p.name for p in tmp_path.iterdir()] == ["case.toml"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_draws_of_an_interrupted_sweep_go_on_with_its_state(
    case_file: Path, tmp_path: Path, kind: str, monkeypatch, capsys
) -> None:
    import pandas as pd

    base = ["sweep", "train_cost", "--cases", str(case_file), "-n", str(20 * BLOCK), "--json"]
    assert cli.main([*base, "--draws", str(tmp_path / f"whole.{kind}")]) == 0
    report = capsys.readouterr().out
    path, state = tmp_path / f"d.{kind}", tmp_path / "s.json"
    kept = [*base, "--draws", str(path), "--state", str(state)]
    count, take = itertools.count(), sweeps.Gathered.take

    def interrupted(self: sweeps.Gathered, part: sweeps.Part) -> None:
        if next(count) == 3:  # this part is written, and does not count
            raise KeyboardInterrupt
        take(self, part)

    monkeypatch.setattr(sweeps.Gathered, "take", interrupted)
    assert cli.main(kept) == 130
    monkeypatch.undo()
    stop = json.loads(state.read_text())["stop"]
    assert [p.name for p in tmp_path.glob("d.*")] == [f"d.{kind}.parts"]
    parts = sorted(p.stem for p in (tmp_path / f"d.{kind}.parts").iterdir())
    assert int(parts[-2].split("-")[1]) == stop < int(parts[-1].split("-")[1])
    capsys.readouterr()
    assert cli.main([*base, "--state", str(state), "--resume"]) == 3  # without the draws that it began with
    assert "is the state of another sweep" in capsys.readouterr().err
    assert cli.main([*kept[:-3], str(tmp_path / f"other.{kind}"), "--state", str(state), "--resume"]) == 3
    assert "the draws that the state counts are not there" in capsys.readouterr().err
    assert cli.main([*kept, "--resume"]) == 0
    assert capsys.readouterr().out == report
    read_table = pd.read_parquet if kind == "parquet" else pd.read_csv
    pd.testing.assert_frame_equal(read_table(path), read_table(tmp_path / f"whole.{kind}"), check_exact=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case.toml", path.name, f"whole.{kind}"]


def test_draws_interrupted_before_any_part_counts_leave_nothing(case_file: Path, tmp_path: Path, monkeypatch) -> None:
    def interrupted(self: sweeps.Gathered, part: sweeps.Part) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeps.Gathered, "take", interrupted)
    argv = ["sweep", "train_cost", "--cases", str(case_file), "--draws", str(tmp_path / "d.csv")]
    assert cli.main([*argv, "--state", str(tmp_path / "s.json")]) == 130
    assert [p.name for p in tmp_path.iterdir()] == ["case.toml"]


def test_a_part_that_is_half_taken_is_in_no_state(case_file: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    base = ["sweep", "train_cost", "--cases", str(case_file), "-n", str(20 * BLOCK), "--json"]
    assert cli.main(base) == 0
    whole = capsys.readouterr().out
    count, merge = itertools.count(), Sketch.merge

    def interrupted(self: Sketch, other: Sketch) -> None:
        if next(count) == 3:
            raise KeyboardInterrupt
        merge(self, other)

    monkeypatch.setattr(Sketch, "merge", interrupted)
    monkeypatch.setattr("xl_econ.commands.sweep._SAVE_SECONDS", 0)
    kept = [*base, "--state", str(tmp_path / "s.json")]
    assert cli.main(kept) == 130
    monkeypatch.undo()
    done = min(json.loads((tmp_path / "s.json").read_text())["stop"], 20) * BLOCK
    assert f"s.json: {done:,} of {20 * BLOCK:,} draws; --resume" in capsys.readouterr().err
    assert cli.main([*kept, "--resume"]) == 0
    assert capsys.readouterr().out == whole


def test_a_dry_run_says_what_would_run(case_file: Path, tmp_path: Path, capsys) -> None:
    argv = [
        "sweep",
        "train_cost",
        "--cases",
        str(case_file),
        "-n",
        "1e9",
        "--dry-run",
        "--draws",
        str(tmp_path / "d.parquet"),
    ]
    assert cli.main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["draws_bytes"], found["kept_bytes"]) == (10**9, 3 * 8 * 10**9, 0)
    assert found["seconds"] > 1
    assert cli.main(argv) == 0
    said = capsys.readouterr().out
    assert "1,000,000,000 (mc, seed 0)" in said
    assert not re.search(r"\d\.\d{7}", said)  # no digits that nobody reads
    assert [p.name for p in tmp_path.iterdir()] == ["case.toml"]


def test_a_table_says_what_the_other_formats_say(tmp_path: Path) -> None:
    rows = [
        ["key", "value", "dist", "low", "mode", "high", "steps", "p10", "p90", "values", "weights"],
        ["params_b", "405"],
        ["tokens_t", "", "", "", "", "", "", "", "", "12; 15"],
        ["peak_tflops", "", "", "900", "", "1000", "3"],
        ["mfu", "", "triangular", "20%", "38%", "46%"],
        ["usd_per_gpu_hour", "", "lognormal", "", "", "", "", "1.9", "3.9"],
        ["goodput", "", "discrete", "", "", "", "", "", "", "0.8; 0.9", "1; 3"],
        ["mfu ~ usd_per_gpu_hour", "-0.4"],
    ]
    rows = [row + [""] * (11 - len(row)) for row in rows]
    with (tmp_path / "case.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    book = openpyxl.Workbook()
    book.active.append(["My case"])
    sheet = book.create_sheet("Uncertain")
    for row in [[], ["", "title"], *rows]:
        sheet.append([None, *(float(c) if c.replace(".", "").replace("-", "").isdigit() else c or None for c in row)])
    book.save(tmp_path / "case.xlsx")
    (tmp_path / "case.toml").write_text(
        "[inputs]\nparams_b = 405\ntokens_t = [12, 15]\npeak_tflops = { low = 900, high = 1000, steps = 3 }\n"
        'mfu = { dist = "triangular", low = 0.2, mode = 0.38, high = 0.46 }\n'
        'usd_per_gpu_hour = { dist = "lognormal", p10 = 1.9, p90 = 3.9 }\n'
        'goodput = { dist = "discrete", values = [0.8, 0.9], weights = [1, 3] }\n'
        '[[correlations]]\nof = ["mfu", "usd_per_gpu_hour"]\nrank = -0.4\n'
    )
    found = [read(tmp_path / f"case.{kind}", "train_cost") for kind in ("toml", "csv", "xlsx")]
    assert found[0] == found[1] == found[2]
    assert found[0].varied[1][1].values == (900, 950, 1000)
