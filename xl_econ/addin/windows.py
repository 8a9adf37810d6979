"""Windows itself: winreg, tasklist and Excel by COM, behind the interfaces of `system`."""

from __future__ import annotations

import csv
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any

from .system import Disk, Machine, Refused, Value

DOCUMENT, ADDIN = 100, 55  # VBA's vbext_ct_Document, Excel's xlOpenXMLAddIn


class WindowsRegistry:
    """The registry by winreg, in its 64-bit view, so that a 32-bit Python sees the same."""

    def __init__(self) -> None:
        self._winreg: Any = importlib.import_module("winreg")

    def _open(self, key: str, access: str = "KEY_READ") -> Any:
        hive, _, path = key.partition("\\")
        root = {"HKCU": self._winreg.HKEY_CURRENT_USER, "HKLM": self._winreg.HKEY_LOCAL_MACHINE}[hive]
        rights = getattr(self._winreg, access) | self._winreg.KEY_WOW64_64KEY
        open_key = self._winreg.CreateKeyEx if access == "KEY_WRITE" else self._winreg.OpenKey
        return open_key(root, path, 0, rights)

    def values(self, key: str) -> dict[str, Value] | None:
        try:
            with self._open(key) as opened:
                count = self._winreg.QueryInfoKey(opened)[1]
                found = (self._winreg.EnumValue(opened, n) for n in range(count))
                return {name: Value(data, kind) for name, data, kind in found}
        except FileNotFoundError:
            return None
        except PermissionError:  # a key that this user may not read says nothing
            return None

    def subkeys(self, key: str) -> list[str]:
        try:
            with self._open(key) as opened:
                return [self._winreg.EnumKey(opened, n) for n in range(self._winreg.QueryInfoKey(opened)[0])]
        except (FileNotFoundError, PermissionError):
            return []

    def create(self, key: str) -> None:
        self._open(key, "KEY_WRITE").Close()

    def remove_key(self, key: str) -> None:
        parent, _, name = key.rpartition("\\")
        with self._open(parent, "KEY_WRITE") as opened:
            self._winreg.DeleteKeyEx(opened, name, self._winreg.KEY_WOW64_64KEY)

    def write(self, key: str, name: str, value: Value) -> None:
        with self._open(key, "KEY_WRITE") as opened:
            self._winreg.SetValueEx(opened, name, 0, value.kind, value.data)

    def delete(self, key: str, name: str) -> None:
        with self._open(key, "KEY_WRITE") as opened:
            self._winreg.DeleteValue(opened, name)


class WindowsExcel:
    """Excel by COM, started by us and ended by asking it to quit; nobody's Excel is ever killed."""

    def running(self) -> list[int]:
        tasklist = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "tasklist.exe"
        arguments = ["/FI", "IMAGENAME eq EXCEL.EXE", "/FO", "CSV", "/NH"]
        if user := os.environ.get("USERNAME"):  # others' Excel on a terminal server is none of our business
            arguments += ["/FI", f"USERNAME eq {os.environ.get('USERDOMAIN', '.')}\\{user}"]
        done = subprocess.run([str(tasklist), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise Refused(f"{tasklist} does not say whether Excel is open: {done.stderr.strip() or done.returncode}")
        rows = [row for row in csv.reader(done.stdout.splitlines()) if row and row[0].casefold() == "excel.exe"]
        return [int(row[1]) for row in rows]

    def ask(self, addin: PureWindowsPath, formula: str) -> object:
        with _excel() as excel:
            excel.Workbooks.Open(str(addin))
            cell = excel.Workbooks.Add().Worksheets(1).Range("A1")
            cell.Formula = formula
            return cell.Value

    def compiled(self, modules: Mapping[str, str]) -> bytes:
        import zipfile

        with tempfile.TemporaryDirectory() as folder, _excel() as excel:
            book = excel.Workbooks.Add()
            components = book.VBProject.VBComponents
            book.VBProject.Name = "xl_econ"
            documents = {name: text for name, text in modules.items() if name.endswith(".cls")}
            while book.Worksheets.Count < len(documents) - 1:
                book.Worksheets.Add()
            # The workbook's own module and its sheets' are there already, under names of Excel's language.
            there = [component for component in components if component.Type == DOCUMENT]
            for component, (name, text) in zip(there, documents.items(), strict=False):
                component.Name = Path(name).stem
                if code := _code(text):
                    component.CodeModule.AddFromString(code)
            for name, text in modules.items():
                if name not in documents:
                    source = Path(folder) / name
                    source.write_text(text, encoding="ascii", newline="\r\n")
                    components.Import(str(source))
            target = Path(folder) / "compiled.xlam"
            book.SaveAs(str(target), ADDIN)
            book.Close(False)
            with zipfile.ZipFile(target) as package:
                return package.read("xl/vbaProject.bin")


def _code(text: str) -> str:
    """A module without the lines that only a file of it has."""
    return "\r\n".join(line for line in text.splitlines() if not line.startswith("Attribute VB_")).strip()


@contextmanager
def _excel() -> Iterator[Any]:
    """A hidden Excel of our own that asks nothing."""
    try:
        client = importlib.import_module("win32com.client")
    except ImportError:
        raise Refused("pywin32 is missing in this environment: pip install 'xl-econ[excel]'") from None
    com_error: type[Exception] = importlib.import_module("pywintypes").com_error
    excel = None
    try:
        excel = client.DispatchEx("Excel.Application")
        excel.DisplayAlerts = False
        yield excel
    except com_error as e:
        raise Refused(f"Excel answered: {e}") from None
    finally:
        if excel is not None:
            for book in list(excel.Workbooks):
                book.Close(False)
            excel.Quit()


def machine(platform: str = sys.platform) -> Machine:
    """This machine.

    Raises:
        Refused: It does not run Windows.
    """
    if platform != "win32":
        raise Refused(
            "the add-in installs on Windows alone; here the LAMBDA flavour works (xl-econ new T --flavour lambda), and "
            "xl-econ addin doctor says what else"
        )
    return Machine(WindowsRegistry(), Disk(), WindowsExcel(), os.environ)
