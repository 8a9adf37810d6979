"""The installer's actions as install.ps1 and the command line ask for them, on a stand-in for Windows."""

import argparse
import json
import subprocess
import sys
import zipfile
from pathlib import Path, PureWindowsPath

import pytest
from fake_windows import CLICK_TO_RUN, OFFICE, OPTIONS, SECURITY, Windows, program

from xl_econ import __version__, cli
from xl_econ.addin import build, install, options, repack
from xl_econ.addin.findings import PROBLEM
from xl_econ.addin.places import places, planned
from xl_econ.addin.system import Refused
from xl_econ.core.errors import InputError, UsageError, WorkbookError

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def addin(tmp_path_factory):
    path = tmp_path_factory.mktemp("built") / "xl_econ.xlam"
    build.write(path)
    return path


@pytest.fixture
def windows(tmp_path, monkeypatch):
    windows = Windows(tmp_path)
    monkeypatch.setattr(sys, "executable", windows.venv(__version__).python)
    return windows


def run(windows, *words, addin=None):
    parser = argparse.ArgumentParser()
    actions = parser.add_subparsers(dest="action")
    options.add_actions(lambda name, text: actions.add_parser(name, help=text))
    if addin and words[0] in ("install", "rebuild"):
        words = (*words, "--addin", str(addin))
    return install.run(parser.parse_args(words), windows.machine)


def test_the_whole_life_of_an_installation(windows, capsys, addin):
    before = windows.registry.state()
    assert run(windows, "doctor") == 1
    assert "the add-in is not installed" in capsys.readouterr().out
    assert run(windows, "install", "--dry-run", addin=addin) == 0
    assert capsys.readouterr().out.endswith("nothing was changed (dry run)\n")
    assert windows.registry.state() == before
    assert run(windows, "install") == 0
    assert windows.disk.read(windows.addin) == addin.read_bytes()  # built anew, and the same
    assert windows.disk.names(windows.root) == [__version__, "install.json", "install.log", "xl_econ.conf"]
    assert b"install: write file" in windows.disk.read(windows.root / "install.log")
    assert run(windows, "doctor") == 0
    windows.excel.answer = __version__
    assert run(windows, "check") == 0
    assert windows.excel.asked == [(str(windows.addin), "=XL_ECON_VERSION()")]
    windows.excel.answer = -2146826259
    assert run(windows, "check") == 1
    assert "xl-econ addin doctor" in capsys.readouterr().out
    assert run(windows, "check", "--json") == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert run(windows, "uninstall", "--json") == 0
    assert json.loads(capsys.readouterr().out)["left"] == []
    assert windows.registry.state() == before
    assert not windows.disk.is_folder(windows.root)


def test_a_step_that_fails_is_logged(windows, monkeypatch, addin):
    def refuse(*_):
        raise PermissionError(13, "Access is denied")

    run(windows, "install", addin=addin)
    monkeypatch.setattr(windows.disk, "move", refuse)
    with pytest.raises(Exception, match="Access is denied"):
        run(windows, "install", addin=addin)
    assert b"Access is denied; everything before it was undone" in windows.disk.read(windows.root / "install.log")


def test_rollback_as_a_command(windows, capsys, addin, monkeypatch):
    run(windows, "install", addin=addin)
    monkeypatch.setattr(install, "__version__", "9.0")
    monkeypatch.setattr(sys, "executable", windows.venv("9.0").python)
    run(windows, "install", addin=addin)
    capsys.readouterr()
    run(windows, "doctor")
    assert f"version {__version__} is kept" in capsys.readouterr().out
    assert run(windows, "rollback") == 0
    assert f"VERSION={__version__}".encode("utf-16-le") in windows.disk.read(windows.root / "xl_econ.conf")


def test_rebuild_needs_a_setting_and_replaces_the_project_alone(windows, addin):
    run(windows, "install", addin=addin)
    with pytest.raises(Refused, match="Trust access to the VBA project object model"):
        run(windows, "rebuild", addin=addin)
    windows.registry.put(SECURITY, "AccessVBOM", 1)
    assert run(windows, "rebuild", addin=addin) == 0
    with zipfile.ZipFile(windows.disk.at(windows.addin)) as new, zipfile.ZipFile(addin) as old:
        assert new.namelist() == old.namelist()
        assert [n for n in new.namelist() if new.read(n) != old.read(n)] == [repack.PROJECT]
        assert new.read(repack.PROJECT).startswith(b"compiled: ThisWorkbook.cls")
    assert run(windows, "doctor") == 0
    before = windows.disk.read(windows.addin)
    run(windows, "uninstall")
    assert before
    assert not windows.disk.is_file(windows.addin)


def test_a_plan_for_an_environment_that_is_still_to_be_made(tmp_path, capsys):
    windows = Windows(tmp_path)
    folder = str(windows.root / __version__ / "venv")
    assert run(windows, "install", "--dry-run", "--json", "--environment", folder) == 0
    assert json.loads(capsys.readouterr().out)["dry_run"] is True
    with pytest.raises(UsageError, match="--environment goes with --dry-run"):
        run(windows, "install", "--environment", folder)


def test_what_is_no_add_in_is_refused(windows, tmp_path):
    other = tmp_path / "other.xlam"
    with pytest.raises(InputError, match="cannot be read"):
        run(windows, "install", addin=other)
    other.write_text("no zip")
    with pytest.raises(WorkbookError, match="not an add-in with macros"):
        run(windows, "install", addin=other)


def test_the_stores_python_is_refused(windows, monkeypatch, addin):
    monkeypatch.setattr(sys, "base_prefix", r"C:\Program Files\WindowsApps\PythonSoftwareFoundation.Python.3.12")
    with pytest.raises(Refused, match="Microsoft Store"):
        run(windows, "install", addin=addin)


def test_a_python_without_xlwings_is_refused(windows, monkeypatch, addin):
    monkeypatch.setattr(sys, "executable", r"C:\Python312\python.exe")
    with pytest.raises(Refused, match=r"pip install 'xl-econ\[excel\]'"):
        run(windows, "install", addin=addin)


def test_an_environment_does_not_remove_itself(windows, monkeypatch, addin, capsys):
    run(windows, "install", addin=addin)
    monkeypatch.setattr(sys, "prefix", str(windows.root / __version__ / "venv"))
    assert run(windows, "uninstall") == 0
    assert "left: C:" in capsys.readouterr().out
    assert windows.disk.names(windows.root) == [__version__]
    assert windows.disk.names(windows.root / __version__) == ["venv"]


def test_check_and_uninstall_without_an_installation(windows):
    for action in ("check", "uninstall", "rollback"):
        with pytest.raises(Refused, match="nothing is installed"):
            run(windows, action)


def findings(windows, level=PROBLEM):
    from xl_econ.addin.doctor import examine

    return [f"{f.text} {f.remedy}" for f in examine(windows.machine) if f.level == level]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda w: w.disk.remove(w.addin), "xl_econ.xlam is gone"),
        (lambda w: w.disk.remove(w.root / "xl_econ.conf"), "does not find Python"),
        (lambda w: w.disk.put(w.root / "xl_econ.conf", b"PYTHON"), "once each"),
        (lambda w: w.disk.remove(w.root / __version__ / "venv" / "Scripts" / "python.exe"), "python.exe is gone"),
        (lambda w: w.registry.delete(OPTIONS, "OPEN"), "Excel does not open the add-in"),
        (
            lambda w: w.registry.put(
                rf"{OFFICE}\Excel\Resiliency\DisabledItems",
                "AB12",
                b"\1\0" + "c:\\x\\xl_econ.xlam".encode("utf-16-le"),
                3,
            ),
            "disabled the add-in after a crash",
        ),
    ],
)
def test_the_doctor_says_what_is_wrong(windows, addin, spoil, told):
    run(windows, "install", addin=addin)
    assert findings(windows) == []
    spoil(windows)
    [found] = findings(windows)
    assert told in found


def test_an_environment_that_was_upgraded_by_pip_alone(windows, addin, monkeypatch):
    from xl_econ.addin import doctor

    run(windows, "install", addin=addin)
    monkeypatch.setattr(doctor, "__version__", "9.0")
    [found] = findings(windows)
    assert "holds xl-econ 9.0 now" in found


def test_the_doctor_warns(windows, addin):
    run(windows, "install", addin=addin)
    other = planned(PureWindowsPath(r"C:\other"), __version__)
    windows.disk.put(windows.root / "xl_econ.conf", other.encoded())
    windows.registry.put(OPTIONS, "OPEN5", "xl_econ.xlam")
    assert len(findings(windows, "warning")) == 2
    windows.disk.remove(windows.root / "install.json")
    assert len(findings(windows, "warning")) == 3  # the value, the add-in and the record belong to nothing


def test_without_the_folders_of_a_user(windows):
    del windows.environment["APPDATA"]
    [found] = findings(windows)
    assert "APPDATA names no folder" in found
    with pytest.raises(Refused):
        places({"APPDATA": "relative", "LOCALAPPDATA": ""})


@pytest.mark.parametrize(
    ("local", "level", "told"),
    [
        (r"\\server\share\ada", PROBLEM, "on a share"),
        (r"C:\Users\Ada\OneDrive\Local", "warning", "OneDrive synchronises"),
        (r"C:\Users\\" + "x" * 120, "warning", "so long"),
        (r"C:\Users\\" + "x" * 250, PROBLEM, "no DLL from a path"),
        ("C:\\Users\\Ωμέγα", PROBLEM, "cannot pass on"),
    ],
)
def test_folders_that_will_not_do(tmp_path, local, level, told):
    windows = Windows(tmp_path)
    windows.environment |= {"LOCALAPPDATA": local, "OneDrive": r"C:\Users\Ada\OneDrive"}
    assert any(told in f for f in findings(windows, level))


EXE = r"C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE"


@pytest.mark.parametrize(("machine", "bits"), [(0x014C, 32), (0x8664, 64), (0xAA64, 64)])
def test_the_program_tells_its_bits(tmp_path, machine, bits):
    windows = Windows(tmp_path, bits="x86")
    key = r"HKLM\Software\Microsoft\Windows\CurrentVersion\App Paths\excel.exe"
    windows.registry.put(key, "", f'"{EXE}"')
    windows.disk.put(EXE, program(machine))
    assert any(f"Excel is {bits}-bit, says {EXE}" in f for f in findings(windows, "ok"))
    assert any("says otherwise" in f for f in findings(windows, "note")) == (bits == 64)


@pytest.mark.parametrize("content", [b"", b"MZ", program(0x1234), b"\xff" * 200])
def test_a_program_that_cannot_be_read_tells_nothing(tmp_path, content):
    windows = Windows(tmp_path, bits="arm64")
    windows.registry.put(r"HKLM\Software\Microsoft\Office\16.0\Excel\InstallRoot", "Path", EXE[:-9])
    windows.disk.put(EXE, content)
    assert any("Excel is 64-bit" in f for f in findings(windows, "ok"))


def test_outlook_tells_the_bits_of_an_installed_msi(tmp_path):
    windows = Windows(tmp_path)
    windows.registry.keys = {}
    windows.registry.create(OPTIONS)
    assert any("32 or 64 bits" in f for f in findings(windows, "warning"))
    windows.registry.put(r"HKLM\Software\WOW6432Node\Microsoft\Office\16.0\Outlook", "Bitness", "x86")
    assert any("Excel is 32-bit" in f for f in findings(windows, "ok"))


def test_no_excel_or_an_old_one(tmp_path):
    windows = Windows(tmp_path)
    windows.registry.keys = {}
    assert any("no Excel is installed" in f for f in findings(windows))
    windows.registry.create(r"HKCU\Software\Microsoft\Office\15.0\Excel")
    assert any("Excel 15.0 is here" in f for f in findings(windows))
    windows.registry.put(CLICK_TO_RUN, "VersionToReport", "16.0.1")
    assert any("settings of Excel 15.0" in f for f in findings(windows, "note"))


def test_on_other_platforms_the_doctor_says_what_works(capsys):
    assert cli.main(["addin", "doctor"]) == 0
    assert "LAMBDA flavour" in capsys.readouterr().out
    assert cli.main(["addin", "doctor", "--json"]) == 0
    assert {f["level"] for f in json.loads(capsys.readouterr().out)["findings"]} == {"ok", "note"}
    assert cli.main(["addin", "install"]) == 3
    assert "Windows alone" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [(["doctor"], 0), (["instal"], 2), ([], 2), (["install", "--forse"], 2)])
def test_install_ps1s_way_in(words, code, capsys):
    assert install.main(words) == code
    assert (capsys.readouterr().err == "") == (code == 0)


def test_the_installer_needs_nothing_but_the_standard_library():
    runner = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    runner += "runpy.run_module('xl_econ.addin.install', run_name='__main__')"
    assert "runpy.run_module('$Module', run_name='__main__')" in (REPOSITORY / "install.ps1").read_text()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", runner, str(REPOSITORY), "doctor"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
