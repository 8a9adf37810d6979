"""Windows' own interfaces, called as they document themselves: winreg, tasklist, Excel by COM; all stand-ins here."""

import contextlib
import subprocess
import sys
import types
import zipfile
from pathlib import Path, PureWindowsPath

import pytest
from fake_windows import MemoryRegistry

from xl_econ.addin import windows
from xl_econ.addin.system import Refused, Value

KEY = r"HKCU\Software\xl"


class Winreg(types.ModuleType):
    """winreg over a registry in memory; a key is opened for reading or for writing, in the 64-bit view."""

    HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE = "HKCU", "HKLM"
    KEY_READ, KEY_WRITE, KEY_WOW64_64KEY = 1, 2, 256

    def __init__(self):
        super().__init__("winreg")
        self.registry = MemoryRegistry()

    @contextlib.contextmanager
    def _opened(self, key):
        yield key

    def OpenKey(self, root, path, reserved, access):
        assert access & self.KEY_WOW64_64KEY
        key = f"{root}\\{path}"
        if path.startswith("Secret"):
            raise PermissionError(5, "Access is denied")
        if self.registry.values(key) is None:
            raise FileNotFoundError(2, "no such key")
        return self._opened(key)

    def CreateKeyEx(self, root, path, reserved, access):
        assert access & self.KEY_WRITE
        self.registry.create(f"{root}\\{path}")
        opened = self._opened(f"{root}\\{path}")
        opened.Close = lambda: None
        return opened

    def QueryInfoKey(self, key):
        return len(self.registry.subkeys(key)), len(self.registry.values(key)), 0

    def EnumValue(self, key, n):
        name, value = list(self.registry.values(key).items())[n]
        return name, value.data, value.kind

    def EnumKey(self, key, n):
        return self.registry.subkeys(key)[n]

    def SetValueEx(self, key, name, reserved, kind, data):
        self.registry.write(key, name, Value(data, kind))

    def DeleteValue(self, key, name):
        self.registry.delete(key, name)

    def DeleteKeyEx(self, key, name, access):
        assert access == self.KEY_WOW64_64KEY
        self.registry.remove_key(f"{key}\\{name}")


def test_the_registry(monkeypatch):
    monkeypatch.setitem(sys.modules, "winreg", Winreg())
    registry = windows.WindowsRegistry()
    assert registry.values(KEY) is None
    assert registry.subkeys(KEY) == []
    assert registry.values(r"HKLM\Secret") is None  # a key that this user may not read says nothing
    registry.create(KEY)
    registry.write(KEY, "OPEN", Value("a", 2))
    assert registry.values(KEY) == {"OPEN": Value("a", 2)}
    assert registry.subkeys(r"HKCU\Software") == ["xl"]
    registry.delete(KEY, "OPEN")
    registry.remove_key(KEY)
    assert registry.values(KEY) is None


def test_this_machine_is_windows_or_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "winreg", Winreg())
    assert windows.machine("win32").code_page == "mbcs"
    with pytest.raises(Refused, match="Windows alone"):
        windows.machine("darwin")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('"EXCEL.EXE","4242","Console","1","180,004 K"\r\n"excel.exe","77","Console","1","9 K"\r\n', [4242, 77]),
        ("INFORMATION: Es werden keine Aufgaben mit den angegebenen Kriterien ausgeführt.\r\n", []),
    ],
)
def test_whether_excel_is_open(monkeypatch, said, found):
    asked = []

    def run(command, **_):
        asked.extend(command)
        return subprocess.CompletedProcess(command, 0, said, "")

    monkeypatch.setenv("USERNAME", "ada")
    monkeypatch.setenv("USERDOMAIN", "OFFICE")
    monkeypatch.setattr(subprocess, "run", run)
    assert windows.WindowsExcel().running() == found
    assert r"USERNAME eq OFFICE\ada" in asked
    assert asked[0].replace("/", "\\").endswith(r"System32\tasklist.exe")


def test_an_answer_that_does_not_come_is_not_taken_for_no(monkeypatch):
    done = subprocess.CompletedProcess([], 1, "", "ERROR: Access denied")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(Refused, match="Access denied"):
        windows.WindowsExcel().running()


class Component(types.SimpleNamespace):
    def __init__(self, name, kind):
        super().__init__(Name=name, Type=kind, code="")
        self.CodeModule = types.SimpleNamespace(AddFromString=lambda code: setattr(self, "code", code))


class Components(list):
    def Import(self, path):
        self.append(Component(Path(path).name, 1))
        self[-1].code = Path(path).read_bytes()


class FakeExcel:
    """As much of Excel's object model as is used; the names of a German Excel."""

    def __init__(self, value=None, fails=False):
        self.books, self.opened, self.quit, self.fails = [], [], False, fails
        self.cell = types.SimpleNamespace(Formula=None, Value=value)
        self.components = Components([Component("DieseArbeitsmappe", 100), Component("Tabelle1", 100)])
        self.Workbooks = self

    def __iter__(self):
        return iter(self.books)

    def Open(self, path):
        if self.fails:
            raise ComError("Macros are disabled")
        self.opened.append(path)

    def Add(self):
        sheets = Sheets(self)
        book = types.SimpleNamespace(Worksheets=sheets, Close=lambda save: self.books.clear())
        book.VBProject = types.SimpleNamespace(VBComponents=self.components, Name="")
        book.SaveAs = self.save
        self.books.append(book)
        return book

    def save(self, path, kind):
        assert kind == 55
        with zipfile.ZipFile(path, "w") as package:
            package.writestr("xl/vbaProject.bin", " ".join(c.Name for c in self.components))

    def Quit(self):
        self.quit = True


class Sheets:
    def __init__(self, excel):
        self.excel, self.Count = excel, 1

    def __call__(self, n):
        return types.SimpleNamespace(Range=lambda _: self.excel.cell)

    def Add(self):
        self.Count += 1
        self.excel.components.append(Component(f"Tabelle{self.Count}", 100))


class ComError(Exception):
    pass


def com(monkeypatch, excel):
    client = types.ModuleType("win32com.client")
    client.DispatchEx = lambda name: excel
    pywintypes = types.ModuleType("pywintypes")
    pywintypes.com_error = ComError
    for name, module in {"win32com": client, "win32com.client": client, "pywintypes": pywintypes}.items():
        monkeypatch.setitem(sys.modules, name, module)


def test_excel_is_asked_in_a_cell_and_quits(monkeypatch):
    excel = FakeExcel("0.1.0")
    com(monkeypatch, excel)
    assert windows.WindowsExcel().ask(PureWindowsPath(r"C:\a\xl_econ.xlam"), "=XL_ECON_VERSION()") == "0.1.0"
    assert (excel.opened, excel.cell.Formula, excel.quit) == ([r"C:\a\xl_econ.xlam"], "=XL_ECON_VERSION()", True)


def test_what_excel_refuses_is_one_line_and_it_quits(monkeypatch):
    excel = FakeExcel(fails=True)
    com(monkeypatch, excel)
    with pytest.raises(Refused, match="Macros are disabled"):
        windows.WindowsExcel().ask(PureWindowsPath(r"C:\a.xlam"), "=1")
    assert excel.quit


def test_without_pywin32(monkeypatch):
    monkeypatch.setitem(sys.modules, "win32com.client", None)
    with pytest.raises(Refused, match="pywin32 is missing"):
        windows.WindowsExcel().ask(PureWindowsPath(r"C:\a.xlam"), "=1")


def test_excel_compiles_the_modules_under_the_names_of_the_shipped_project(monkeypatch):
    excel = FakeExcel()
    com(monkeypatch, excel)
    modules = {
        "ThisWorkbook.cls": 'Attribute VB_Name = "ThisWorkbook"\nPrivate Sub Workbook_Open()\nEnd Sub\n',
        "Sheet1.cls": 'Attribute VB_Name = "Sheet1"\n',
        "Sheet2.cls": 'Attribute VB_Name = "Sheet2"\n',
        "Calls.bas": 'Attribute VB_Name = "Calls"\nSub A()\nEnd Sub\n',
    }
    project = windows.WindowsExcel().compiled(modules)
    assert project == b"ThisWorkbook Sheet1 Sheet2 Calls.bas"
    assert excel.components[0].code == "Private Sub Workbook_Open()\r\nEnd Sub"
    assert excel.components[1].code == ""
    assert b'"Calls"\r\nSub A' in excel.components[3].code
