"""A Windows to install on: a registry in memory, a disk in a folder, an Excel that is asked."""

from pathlib import PureWindowsPath

from xl_econ.addin.record import XLWINGS, Record
from xl_econ.addin.system import REG_DWORD, Disk, Machine, Value

OFFICE = r"HKCU\Software\Microsoft\Office\16.0"
OPTIONS = rf"{OFFICE}\Excel\Options"
SECURITY = rf"{OFFICE}\Excel\Security"
POLICY = r"HKCU\Software\Policies\Microsoft\Office\16.0"
CLICK_TO_RUN = r"HKLM\Software\Microsoft\Office\ClickToRun\Configuration"


class MemoryRegistry:
    """Names and keys are found whatever their case, as in the real one."""

    def __init__(self):
        self.keys = {}

    def put(self, key, name, data, kind=None):
        self.create(key)
        self.write(key, name, Value(data, kind or (REG_DWORD if isinstance(data, int) else 1)))

    def _find(self, key):
        return next((k for k in self.keys if k.casefold() == key.casefold()), None)

    def values(self, key):
        found = self._find(key)
        return None if found is None else dict(self.keys[found])

    def subkeys(self, key):
        start = key.casefold() + "\\"
        return sorted({k[len(start) :].split("\\")[0] for k in self.keys if k.casefold().startswith(start)})

    def create(self, key):
        parts = key.split("\\")
        for end in range(1, len(parts) + 1):
            if self._find("\\".join(parts[:end])) is None:
                self.keys["\\".join(parts[:end])] = {}

    def remove_key(self, key):
        assert not self.subkeys(key)
        assert not self.keys[self._find(key)]
        del self.keys[self._find(key)]

    def write(self, key, name, value):
        self.keys[self._find(key)][name] = value

    def delete(self, key, name):
        values = self.keys[self._find(key)]
        if name not in values:
            raise FileNotFoundError(2, "no such value", name)
        del values[name]

    def state(self):
        return {key: dict(values) for key, values in self.keys.items()}


class TemporaryDisk(Disk):
    """Windows paths in a folder of a test: `C:\\Users` is `root/C/Users`."""

    def __init__(self, root):
        self.root = root

    def at(self, path):
        assert path.is_absolute(), path
        drive = path.drive.replace(":", "").strip("\\").replace("\\", "_")
        return self.root.joinpath(drive, *path.parts[1:])

    def put(self, path, data=b""):
        place = self.at(PureWindowsPath(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def state(self):
        """Every file with its bytes, every folder with None."""
        found = sorted(self.root.rglob("*"))
        return {str(p.relative_to(self.root)): p.read_bytes() if p.is_file() else None for p in found}


class FakeExcel:
    def __init__(self):
        self.open = []
        self.answer = None
        self.asked = []

    def running(self):
        return self.open

    def ask(self, addin, formula):
        self.asked.append((str(addin), formula))
        return self.answer

    def compiled(self, modules):
        return ("compiled: " + " ".join(modules)).encode()


def program(machine):
    """As much of a program file as tells for which machine it was built."""
    return b"MZ".ljust(60, b"\0") + (64).to_bytes(4, "little") + b"PE\0\0" + machine.to_bytes(2, "little")


class Windows:
    """One user's machine with Excel 365, 64 bits, as far as the installer looks at it."""

    def __init__(self, root, profile=r"C:\Users\Ada", bits="x64"):
        self.profile = PureWindowsPath(profile)
        self.local, self.roaming = self.profile / "AppData" / "Local", self.profile / "AppData" / "Roaming"
        self.registry, self.disk, self.excel = MemoryRegistry(), TemporaryDisk(root), FakeExcel()
        self.environment = {
            "LOCALAPPDATA": str(self.local),
            "APPDATA": str(self.roaming),
            "USERPROFILE": profile,
        }
        for folder in (self.local, self.roaming):
            self.disk.at(folder).mkdir(parents=True)
        self.registry.put(CLICK_TO_RUN, "Platform", bits)
        self.registry.put(CLICK_TO_RUN, "VersionToReport", "16.0.17928.20156")
        self.registry.create(OPTIONS)

    @property
    def machine(self):
        return Machine(self.registry, self.disk, self.excel, self.environment, "cp1252")

    @property
    def root(self):
        return self.local / "xl_econ"

    @property
    def addin(self):
        return self.roaming / "Microsoft" / "AddIns" / "xl_econ.xlam"

    def venv(self, version):
        """The environment as install.ps1 leaves it."""
        folder = self.root / version / "venv"
        record = Record(
            version,
            str(folder / "Scripts" / "python.exe"),
            str(folder / f"xlwings64-{XLWINGS}.dll"),
            str(folder / f"xlwings32-{XLWINGS}.dll"),
        )
        for path in (record.python, record.dll64, record.dll32):
            self.disk.put(path, b"program")
        self.disk.put(folder / "Lib" / "site-packages" / "xl_econ" / "__init__.py")
        return record

    def state(self):
        return self.registry.state(), self.disk.state()
