"""The folder that a computer without a network installs from: complete for Windows, pinned, or refused."""

import os
import subprocess
import sys
import zipfile

import pytest

from xl_econ import cli
from xl_econ.addin import wheelhouse
from xl_econ.core.errors import InputError, UsageError, WorkbookError


def wheel(folder, name, version="1.0", requires=(), tag="py3-none-any"):
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Provides-Extra: excel"]
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(f"{name}.py", "")
        package.writestr(f"{info}/METADATA", "\n".join([*lines, *(f"Requires-Dist: {r}" for r in requires), ""]))
        package.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: {tag}\n")
        package.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Packages to download, by way of pip's own setting; no network."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel(folder, "both")
    wheel(folder, "excelonly", requires=['deep; platform_system == "Windows"'], tag="cp312-cp312-win_amd64")
    wheel(folder, "deep")
    wheel(folder, "elsewhere")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def own(tmp_path):
    requires = ["both", "excelonly; extra == 'excel'", 'elsewhere; sys_platform == "darwin"', "tests; extra == 'test'"]
    return wheel(tmp_path, "xl_econ", "0.1.0", requires)


def names(folder):
    return sorted(p.name.split("-")[0] for p in folder.glob("*.whl"))


def offline(folder):
    """What install.ps1 asks of pip, for Windows' tags."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--find-links", str(folder)]
    command += [
        "--platform",
        "win_amd64",
        "--python-version",
        "3.12",
        "--only-binary=:all:",
        "--target",
        str(folder / "x"),
    ]
    command += ["--require-hashes", "--requirement", str(folder / "requirements.txt")]
    alone = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=alone)


def test_it_holds_what_windows_needs_wherever_it_is_made(index, own, tmp_path, capsys):
    target = tmp_path / "new" / "house"
    assert cli.main(["addin", "wheelhouse", "-o", str(target), "--wheel", str(own)]) == 0
    assert "4 wheels" in capsys.readouterr().out
    assert names(target) == ["both", "deep", "excelonly", "xl_econ"]
    assert len(list(target.iterdir())) == 5
    text = (target / "requirements.txt").read_text()
    assert text.startswith("# python 3.12, win_amd64, xl-econ 0.1.0\n")
    assert text.count("--hash=sha256:") == 4
    assert "xl-econ[excel]==0.1.0 " in text
    done = offline(target)
    assert done.returncode == 0, done.stderr
    assert "Would install both-1.0 deep-1.0 excelonly-1.0 xl_econ-0.1.0" in done.stdout.replace("xl-econ-", "xl_econ-")


def test_pip_refuses_one_that_lost_or_changed_a_wheel(index, own, tmp_path):
    target = tmp_path / "house"
    wheelhouse.build(target, wheel=own)
    wheel(target, "both", requires=["evil"])
    done = offline(target)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    (target / "both-1.0-py3-none-any.whl").unlink()
    done = offline(target)
    assert done.returncode != 0
    assert "No matching distribution found for both" in done.stderr


def test_a_lock_fetches_the_same_files_or_none(index, own, tmp_path):
    first = tmp_path / "first"
    wheelhouse.build(first, wheel=own)
    lock = first / "requirements.txt"
    wheel(index, "both", "2.0")
    again = tmp_path / "again"
    wheelhouse.build(again, wheel=own, lock=lock)
    assert (again / "requirements.txt").read_text() == lock.read_text()
    both = index / "both-1.0-py3-none-any.whl"
    content = both.read_bytes()
    wheel(index, "both", "1.0", requires=["evil"])
    with pytest.raises(InputError, match="pip download"):
        wheelhouse.build(tmp_path / "third", wheel=own, lock=lock)
    assert not (tmp_path / "third").exists()
    both.write_bytes(content)
    incomplete = tmp_path / "lock.txt"
    incomplete.write_text("\n".join(line for line in lock.read_text().splitlines() if "deep" not in line))
    with pytest.raises(InputError, match="leaves out deep"):
        wheelhouse.build(tmp_path / "fourth", wheel=own, lock=incomplete)


def test_what_cannot_be_had_is_one_line(index, tmp_path):
    lacking = wheel(tmp_path, "xl_econ", "0.1.0", ["nowhere"])
    with pytest.raises(InputError, match=r"^pip download: .*nowhere") as e:
        wheelhouse.build(tmp_path / "house", wheel=lacking)
    assert "\n" not in str(e.value)
    assert not (tmp_path / "house").exists()


def test_wrong_requests(index, own, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="not empty"):
        wheelhouse.build(tmp_path, wheel=own)
    for python in ("3", "3.x", "312", "3.12.1"):
        with pytest.raises(UsageError, match=r"write it like 3\.12"):
            wheelhouse.build(tmp_path / "house", python, own)
    with pytest.raises(InputError, match="not a wheel of xl-econ"):
        wheelhouse.build(tmp_path / "house", wheel=index / "both-1.0-py3-none-any.whl")
    with pytest.raises(InputError, match="cannot be read"):
        wheelhouse.build(tmp_path / "house", wheel=own, lock=tmp_path / "none")
    (tmp_path / "other.txt").write_text("# python 3.13, win_amd64")
    with pytest.raises(InputError, match=r"for Python 3\.12"):
        wheelhouse.build(tmp_path / "house", wheel=own, lock=tmp_path / "other.txt")
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    with pytest.raises(UsageError, match="pip install packaging"):
        wheelhouse.build(tmp_path / "house", wheel=own)


def test_a_place_that_cannot_be_written_to_is_named_and_nothing_is_left(index, own, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(WorkbookError, match=r"house: cannot be written: "):
        wheelhouse.build(own / "house", wheel=own)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(wheelhouse, "requirements", full)
    with pytest.raises(WorkbookError, match="No space left"):
        wheelhouse.build(tmp_path / "house", wheel=own)
    assert sorted(tmp_path.rglob("*")) == before


def test_where_its_own_wheel_comes_from(tmp_path, monkeypatch):
    asked = []

    def pip(*arguments):
        asked.append(arguments)
        wheel(tmp_path, "xl_econ", "0.1.0")

    monkeypatch.setattr(wheelhouse, "_pip", pip)
    wheelhouse._own_wheel(tmp_path, None)
    monkeypatch.setattr(wheelhouse, "_CHECKOUT", tmp_path)
    wheelhouse._own_wheel(tmp_path, None)
    assert [a[0] for a in asked] == ["wheel", "download"]


@pytest.mark.slow
def test_the_real_one(tmp_path):
    try:
        wheelhouse.build(tmp_path / "house")
    except InputError as e:
        pytest.skip(f"no packages to be had here: {e}")
    assert {"xl_econ", "xlwings", "pywin32", "colorama", "tzdata", "numpy"} <= set(names(tmp_path / "house"))
    done = offline(tmp_path / "house")
    assert done.returncode == 0, done.stderr
