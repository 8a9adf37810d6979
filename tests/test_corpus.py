"""Hostile workbooks through every command that reads one: each ends in seconds with a line that says why, or findings.

No process dies, no file is written but what was asked for, and memory stays under the limit.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import hostile
import pytest
from hostile_run import commands

MEGABYTES = 4200  # the limit of the children, 4 GB, is what IronCalc may take on texts that double
SECONDS = 120  # for nine commands on a shared machine; IronCalc has 10 and one for every megabyte, twice
RUN = Path(__file__).with_name("hostile_run.py")
# What has IronCalc work up to its limit, or texts of gigabytes: of these only the audit runs, unless all is asked for.
SLOW = {"formula_whole_columns", "merges_many", "strings_computed"}


class Runner:
    """A process that runs the commands over one workbook after another; one that died is followed by a new one."""

    def __init__(self, folder):
        self.said, self.child = folder / "stderr", None

    def __call__(self, path, sound, *only):
        if self.child is None:
            with self.said.open("w") as err:
                pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": err, "text": True}
                # Millions of cells: whose coverage is measured elsewhere, on few.
                env = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
                self.child = subprocess.Popen([sys.executable, RUN], env=env, **pipes)
        started = time.monotonic()
        print(json.dumps([str(path), str(sound), *only]), file=self.child.stdin, flush=True)
        answer = self.child.stdout.readline()
        if not answer:
            ended = self.end()
            pytest.fail(f"the process died ({ended}): {self.said.read_text()}")
        most, found = json.loads(answer)
        assert most < MEGABYTES * 1024
        assert time.monotonic() - started < SECONDS
        return found

    def end(self):
        child, self.child = self.child, None
        if child:
            child.communicate()
        return child and child.returncode


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    runner = Runner(tmp_path_factory.mktemp("runner"))
    yield runner
    ended = runner.end()
    assert not ended, runner.said.read_text()


def test_the_plain_workbook_is_sound(run, tmp_path):
    """What the others change is no finding itself."""
    path = hostile.packed(tmp_path / "s.xlsx", hostile.plain())
    [audit, *_] = run(path, path, "audit")
    assert audit[:2] == ["audit", 0]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "wait4"), reason="POSIX")
@pytest.mark.parametrize("name", hostile.ALL)
def test_a_hostile_workbook_is_survived(name, run, tmp_path):
    only = ["audit"] if name in SLOW and os.environ.get("XL_ECON_CORPUS") != "all" else []
    check(name, run, tmp_path, only)


def check(name, run, tmp_path, only):
    folder = tmp_path / "in"
    folder.mkdir()
    sound = hostile.packed(tmp_path / "sound.xlsx", hostile.plain())
    path = hostile.write(name, folder)
    before = path.read_bytes()
    found = run(path, sound, *only)
    assert [f[0] for f in found] == (only or [*commands(path, sound)])
    for command, code, _, err, _ in found:
        absent = command in ("trace", "dependents") and code == 2  # the workbook is read, and has no such cell
        assert code in (0, 1, 3, 4) or absent, (command, code, err)
        if code in (3, 4) or absent:
            assert err.startswith("xl-econ: ") and err.count("\n") == 1 and len(err) < 1000, (command, err)  # noqa: PT018
        else:
            assert not err, (command, err)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted(["in", path.name, "sound.xlsx"])
    assert not Path("/tmp/xl_econ_outside.xml").exists()  # noqa: S108


@pytest.mark.parametrize("suffix", [".xls", ".xlsb", ".csv", ".html", ".docx", ""])
def test_a_file_of_another_kind_is_named(suffix, run, tmp_path):
    """By what is in it, not by what it is called."""
    sound = hostile.packed(tmp_path / "sound.xlsx", hostile.plain())
    path = hostile.write("file_csv", tmp_path, suffix)
    [[_, code, _, err, _]] = run(path, sound, "audit")
    assert (code, err) == (4, f"xl-econ: {path}: not an .xlsx workbook\n")
