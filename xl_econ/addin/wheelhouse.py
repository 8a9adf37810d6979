"""A folder with everything that a computer without a network installs from, made on any machine, with checksums.

pip downloads for Windows from anywhere, but asks "is this Windows?" of the machine that it runs on, and leaves out what
only Windows needs. So what the wheels themselves require is compared with what is there, until nothing is missing.
"""

from __future__ import annotations

import email
import hashlib
import importlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xl_econ import __version__
from xl_econ.core.errors import InputError, UsageError, WorkbookError

PLATFORM = "win_amd64"
PYTHON = "3.12"
REQUIREMENTS = "requirements.txt"
_WINDOWS = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"}
_CHECKOUT = Path(__file__).resolve().parents[2]


def build(folder: Path, python: str = PYTHON, wheel: Path | None = None, lock: Path | None = None) -> list[Path]:
    """Fill a folder with wheels for Windows and a requirements.txt that pins each to its checksum.

    Args:
        folder: Where; new or empty.
        python: Version of the Python that will install from it, like 3.12.
        wheel: xl-econ's own wheel; made from the checkout or downloaded without it.
        lock: A requirements.txt of an earlier wheelhouse: exactly the same files are fetched.

    Returns:
        The wheels.

    Raises:
        InputError: pip cannot get something; its last line says what.
        UsageError: A folder with something in it, or a version that is none.
        WorkbookError: It cannot be written there; then nothing is.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder}: is not empty; name a new folder")
    if not (parts := python.split("."))[1:] or not all(part.isdigit() for part in parts) or len(parts) != 2:
        raise UsageError(f"--python {python}: write it like {PYTHON}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".wheelhouse-", dir=folder.parent) as place:
            made = Path(place) / "made"
            made.mkdir()
            _fill(made, python, wheel, lock)
            if folder.is_dir():
                folder.rmdir()
            made.rename(folder)  # all of it or nothing
    except OSError as e:
        raise WorkbookError(f"{folder}: cannot be written: {e.strerror or e}") from None
    return sorted(folder.glob("*.whl"))


def _fill(made: Path, python: str, wheel: Path | None, lock: Path | None) -> None:
    own = _own_wheel(made, wheel)
    if lock:
        _check_lock(lock, python)
        names = made / "lock.txt"
        names.write_text("\n".join(_without(lock.read_text(), own.name)))
        _download(made, python, "--require-hashes", "--no-deps", "-r", str(names))
        names.unlink()
    else:
        _resolve(made, python, own)
    wheels = sorted(made.glob("*.whl"))
    if missing := sorted(_missing(wheels, python)):
        raise InputError(f"the lock leaves out {', '.join(missing)}, which Windows needs")
    (made / REQUIREMENTS).write_text(requirements(wheels, python), newline="\n")


def requirements(wheels: Sequence[Path], python: str) -> str:
    """The text that pins every wheel; its first line tells install.ps1 which Python to look for."""
    lines = [f"# python {python}, {PLATFORM}, xl-econ {__version__}"]
    for path in wheels:
        name, version = path.name.split("-")[:2]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        extra = "[excel]" if name == "xl_econ" else ""
        lines.append(f"{name.replace('_', '-')}{extra}=={version} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


def _own_wheel(made: Path, wheel: Path | None) -> Path:
    if wheel is None:
        if (_CHECKOUT / "pyproject.toml").is_file():
            _pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(made), str(_CHECKOUT))
        else:
            _pip("download", "--quiet", "--no-deps", "--dest", str(made), f"xl-econ=={__version__}")
        return next(made.glob("xl_econ-*.whl"))
    if not wheel.name.startswith("xl_econ-") or not zipfile.is_zipfile(wheel):
        raise InputError(f"{wheel}: is not a wheel of xl-econ")
    copy = made / wheel.name
    copy.write_bytes(wheel.read_bytes())
    return copy


def _resolve(made: Path, python: str, own: Path) -> None:
    asked = [f"{own}[excel]"]
    for _ in range(9):  # what only Windows needs may itself need more
        _download(made, python, *asked)
        if not (missing := sorted(_missing(sorted(made.glob("*.whl")), python))):
            return
        asked += missing
    raise InputError(f"what these packages require on Windows cannot be got: {', '.join(missing)}")


def _download(made: Path, python: str, *what: str) -> None:
    target = ["--platform", PLATFORM, "--python-version", python, "--only-binary=:all:"]
    _pip("download", "--quiet", "--dest", str(made), "--find-links", str(made), *target, *what)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise InputError(f"pip {arguments[0]}: {said[-1].removeprefix('ERROR: ') if said else 'failed'}")


def _check_lock(lock: Path, python: str) -> None:
    try:
        first = lock.read_text().partition("\n")[0]
    except OSError as e:
        raise InputError(f"{lock}: cannot be read: {e.strerror}") from None
    if not first.startswith(f"# python {python}, {PLATFORM}"):
        raise InputError(f"{lock}: not a wheelhouse's {REQUIREMENTS} for Python {python}")


def _without(text: str, own: str) -> list[str]:
    """The lock without xl-econ's own line, whose wheel is made here."""
    name = own.partition("-")[0].replace("_", "-")
    return [line for line in text.splitlines() if not line.startswith((f"{name}==", f"{name}["))]


def _missing(wheels: Sequence[Path], python: str) -> Iterator[str]:
    """Requirements of the wheels that hold on Windows and that none of them meets."""
    packaging = _packaging()
    there = {packaging.utils.canonicalize_name(path.name.split("-")[0]): path for path in wheels}
    environment = _WINDOWS | {"python_version": python, "python_full_version": f"{python}.0"}
    for name, path in there.items():
        for text in _required(path):
            requirement = packaging.requirements.Requirement(text)
            extra = {"extra": "excel" if name == "xl-econ" else ""}
            if requirement.marker and not requirement.marker.evaluate(environment | extra):
                continue
            if packaging.utils.canonicalize_name(requirement.name) not in there:
                yield f"{requirement.name}{requirement.specifier}"


def _required(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as package:
        [metadata] = [n for n in package.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1]
        return email.message_from_bytes(package.read(metadata)).get_all("Requires-Dist") or []


def _packaging() -> Any:
    try:
        for module in ("packaging.requirements", "packaging.utils"):
            importlib.import_module(module)
        return importlib.import_module("packaging")
    except ImportError:
        raise UsageError("the package packaging is missing: pip install packaging") from None
