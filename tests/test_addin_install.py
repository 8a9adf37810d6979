"""Installing the add-in: what is planned is done or undone whole, and afterwards everything is as it was."""

import contextlib
import json
from pathlib import PureWindowsPath

import pytest
from fake_windows import OFFICE, OPTIONS, POLICY, SECURITY, TemporaryDisk, Windows, program

from xl_econ.addin import manifest as manifests
from xl_econ.addin import plans, startup
from xl_econ.addin.doctor import examine
from xl_econ.addin.findings import PROBLEM
from xl_econ.addin.places import places
from xl_econ.addin.record import decode
from xl_econ.addin.steps import carry_out, lines, sentence
from xl_econ.addin.system import InstallFailed, Refused, Value
from xl_econ.core.errors import InputError


@pytest.fixture
def windows(tmp_path):
    return Windows(tmp_path)


def request(windows, version="0.1.0", addin=b"add-in", force=False):
    return plans.Request(windows.venv(version), addin + version.encode(), force)


def install(windows, *args, **kwargs):
    return carry_out(plans.install(windows.machine, request(windows, *args, **kwargs)), windows.machine)


def uninstall(windows):
    steps, left = plans.uninstall(windows.machine)
    return left + carry_out(steps, windows.machine)


def opened(windows):
    return {k: v.data for k, v in windows.registry.values(OPTIONS).items()}


def problems(windows):
    return [f.text for f in examine(windows.machine) if f.level == PROBLEM]


def test_install_and_uninstall_leave_everything_as_it_was(windows):
    before = windows.state()
    install(windows)
    assert windows.disk.read(windows.addin) == b"add-in0.1.0"
    assert opened(windows) == {"OPEN": f'"{windows.addin}"'}
    record = decode(windows.disk.read(windows.root / "xl_econ.conf"))
    assert record.python == r"C:\Users\Ada\AppData\Local\xl_econ\0.1.0\venv\Scripts\python.exe"
    assert problems(windows) == []
    assert uninstall(windows) == []
    assert windows.state() == before


@pytest.mark.parametrize(
    "profile",
    [
        r"C:\Users\Ada Lovelace",
        r"D:\Profile\Ädä Žofie",
        r"C:\Users\o'hara & sons (x86)",
        r"\\server\profiles\ada",
    ],
)
def test_any_profile_folder(tmp_path, profile):
    windows = Windows(tmp_path, profile)
    windows.environment["LOCALAPPDATA"] = r"C:\Local Data\ada" if profile.startswith("\\\\") else str(windows.local)
    windows.local = PureWindowsPath(windows.environment["LOCALAPPDATA"])
    windows.disk.at(windows.local).mkdir(parents=True, exist_ok=True)
    before = windows.state()
    install(windows)
    [path] = opened(windows).values()
    on_a_share = profile.startswith("\\\\")  # Office trusts nothing there: the add-in stays on this computer's drive
    assert path == f'"{windows.root / "xl_econ.xlam" if on_a_share else windows.addin}"'
    assert problems(windows) == []
    uninstall(windows)
    assert windows.state() == before


def test_a_dry_run_says_every_step_and_changes_nothing(windows):
    asked = request(windows)
    before = windows.state()
    plan = lines(plans.install(windows.machine, asked))
    assert windows.state() == before
    assert all(set(line) <= {"what", "where", "from", "to", "undo"} and line["undo"] for line in plan)
    text = "\n".join(map(sentence, plan))
    for part in ("make folder", str(windows.addin), "xl_econ.conf", "install.json", rf"{OPTIONS}\OPEN = "):
        assert part in text


def test_upgrade_keeps_the_version_before_and_rollback_returns_to_it(windows):
    before = windows.state()
    install(windows, "0.1.0")
    install(windows, "0.2.0")
    installed = manifests.read(windows.machine, places(windows.environment))
    assert [v.record.version for v in installed.versions] == ["0.2.0", "0.1.0"]
    assert windows.disk.read(windows.addin) == b"add-in0.2.0"
    assert opened(windows) == {"OPEN": f'"{windows.addin}"'}  # one path, whatever the version
    carry_out(plans.roll_back(windows.machine), windows.machine)
    assert windows.disk.read(windows.addin) == b"add-in0.1.0"
    assert decode(windows.disk.read(windows.root / "xl_econ.conf")).version == "0.1.0"
    assert problems(windows) == []
    carry_out(plans.roll_back(windows.machine), windows.machine)  # and forth
    assert windows.disk.read(windows.addin) == b"add-in0.2.0"
    uninstall(windows)
    assert windows.state() == before


def test_a_third_version_takes_the_first_away(windows):
    before = windows.state()
    for version in ("0.1.0", "0.2.0", "0.3.0"):
        install(windows, version)
    assert not windows.disk.is_folder(windows.root / "0.1.0")
    assert windows.disk.is_folder(windows.root / "0.2.0" / "venv")
    uninstall(windows)
    assert windows.state() == before


def test_installing_again_repairs(windows):
    before = windows.state()
    install(windows, "0.1.0")
    install(windows, "0.2.0")
    windows.disk.remove(windows.addin)
    windows.disk.remove(windows.root / "xl_econ.conf")
    windows.registry.delete(OPTIONS, "OPEN")
    assert len(problems(windows)) == 3
    install(windows, "0.2.0")
    assert problems(windows) == []
    install(windows, "0.1.0")  # the one before, anew: nothing is left to roll back to but the newer
    assert [v.record.version for v in manifests.read(windows.machine, places(windows.environment)).versions] == [
        "0.1.0",
        "0.2.0",
    ]
    uninstall(windows)
    assert windows.state() == before


class FaultyDisk(TemporaryDisk):
    """Fails at the nth change, as a full disk or a missing right does."""

    def __init__(self, root, at, error):
        super().__init__(root)
        self.left, self.error = at, error

    def _count(self):
        self.left -= 1
        if self.left == 0:
            raise self.error

    def write(self, path, data):
        self._count()
        super().write(path, data)

    def move(self, path, target):
        self._count()
        super().move(path, target)

    def make_folder(self, path):
        self._count()
        super().make_folder(path)


ERRORS = [OSError(28, "No space left on device"), PermissionError(13, "Permission denied"), KeyboardInterrupt()]


@pytest.mark.parametrize("error", ERRORS, ids=["disk full", "no right", "interrupted"])
@pytest.mark.parametrize("of", ["install", "upgrade", "rollback", "uninstall"])
def test_a_failure_at_any_step_undoes_the_steps_before(tmp_path, of, error):
    failures = 0
    for at in range(1, 40):
        folder = tmp_path / str(at)
        folder.mkdir()
        windows = Windows(folder)
        if of != "install":
            install(windows, "0.1.0")
        if of in ("rollback", "uninstall"):
            install(windows, "0.2.0")
        asked = request(windows, "0.2.0")
        plan = {
            "install": lambda w, a: plans.install(w.machine, a),
            "upgrade": lambda w, a: plans.install(w.machine, a),
            "rollback": lambda w, _: plans.roll_back(w.machine),
            "uninstall": lambda w, _: plans.uninstall(w.machine)[0],
        }[of](windows, asked)
        before = windows.state()
        windows.disk = FaultyDisk(folder, at, error)
        try:
            carry_out(plan, windows.machine)
        except InstallFailed as e:
            failed = e
        else:
            break
        failures += 1
        assert ("interrupted" if isinstance(error, KeyboardInterrupt) else error.strerror) in str(failed)
        assert "everything before it was undone" in str(failed)
        assert failed.exit_code == 4
        assert windows.state() == before
    assert failures >= 4


def test_a_registry_that_refuses_undoes_the_files(windows, monkeypatch):
    asked = request(windows)
    before = windows.state()

    def refuse(*_):
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(windows.registry, "write", refuse)
    with pytest.raises(InstallFailed, match=r"set value .*OPEN.*Access is denied"):
        carry_out(plans.install(windows.machine, asked), windows.machine)
    assert windows.state() == before


def test_what_cannot_be_undone_is_said(windows, monkeypatch):
    asked = request(windows)
    plan = plans.install(windows.machine, asked)

    def refuse(*_):
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(windows.registry, "write", refuse)
    monkeypatch.setattr(windows.disk, "remove_folder", refuse)
    with pytest.raises(InstallFailed, match=r"could not be undone: make folder .*AddIns"):
        carry_out(plan, windows.machine)


def test_what_is_still_in_use_is_left_and_said_and_doctor_sees_it(windows, monkeypatch):
    install(windows, "0.1.0")
    remove = windows.disk.remove

    def in_use(path):
        if path.name == "xl_econ.xlam~old":
            raise PermissionError(13, "in use")
        remove(path)

    monkeypatch.setattr(windows.disk, "remove", in_use)
    [left] = install(windows, "0.2.0")
    assert str(windows.addin) in left
    assert any("no longer needed" in f.text for f in examine(windows.machine))


def test_nothing_happens_while_excel_is_open(windows):
    install(windows, "0.1.0")
    asked = request(windows, "0.2.0")
    before = windows.state()
    windows.excel.open = [4242]
    for plan in (lambda m: plans.install(m, asked), plans.roll_back, plans.uninstall):
        with pytest.raises(Refused, match=r"Excel is open \(process 4242\)"):
            plan(windows.machine)
    assert windows.state() == before
    assert any("4242" in f.text for f in examine(windows.machine))


@pytest.mark.parametrize(
    "root", [r"HKCU\Software\Policies\Microsoft\Cloud\Office\16.0", POLICY, POLICY.replace("HKCU", "HKLM"), OFFICE]
)
@pytest.mark.parametrize(
    ("key", "name", "number"),
    [
        ("Common", "VBAOff", 1),
        (r"excel\security", "disablealladdins", 1),
        (r"excel\security", "requireaddinsig", 1),
        (r"common\security", "requirealwaysonmacrosig", 1),
        (r"excel\security", "vbawarnings", 3),
        (r"excel\security", "vbawarnings", 4),
    ],
)
def test_a_policy_that_blocks_macros_is_found_before_anything_is_changed(windows, root, key, name, number):
    windows.registry.put(rf"{root}\{key}", name, number)
    asked = request(windows)
    before = windows.state()
    with pytest.raises(Refused, match=rf"(?i){name} = {number}.*--force installs all the same"):
        plans.install(windows.machine, asked)
    assert windows.state() == before
    install(windows, force=True)  # the administrator may lift it later
    assert len(problems(windows)) == 1


def test_a_setting_of_the_user_does_not_count_below_a_policy(windows):
    windows.registry.put(SECURITY, "VBAWarnings", 4)
    windows.registry.put(rf"{POLICY}\Excel\Security", "VBAWarnings", 2)
    install(windows)
    assert problems(windows) == []


@pytest.mark.parametrize(
    ("path", "below", "disabled", "trusted"),
    [
        (r"%APPDATA%\Microsoft\AddIns", 0, 0, True),
        (r"%APPDATA%\Microsoft", 1, 0, True),
        (r"%APPDATA%\Microsoft", 0, 0, False),
        (r"%APPDATA%\Microsoft\AddIns\\", 0, 1, False),
    ],
)
def test_macros_run_in_a_trusted_location(windows, path, below, disabled, trusted):
    windows.registry.put(SECURITY, "VBAWarnings", 4)
    place = rf"{SECURITY}\Trusted Locations"
    windows.registry.put(place, "AllLocationsDisabled", disabled)
    windows.registry.put(rf"{place}\Location7", "Path", path)
    windows.registry.put(rf"{place}\Location7", "AllowSubfolders", below)
    asked = request(windows)
    with contextlib.nullcontext() if trusted else pytest.raises(Refused):
        plans.install(windows.machine, asked)


@pytest.mark.parametrize(("state", "blocks"), [("1", True), ("2", False), ("6", False)])
def test_defenders_rules(windows, state, blocks):
    key = r"HKLM\Software\Policies\Microsoft\Windows Defender\Policy Manager"
    windows.registry.put(key, "ASRRules", f"92e97fa1-2edf-4476-bdd6-9dd0b4dddc7b={state}|other=1")
    asked = request(windows)
    with pytest.raises(Refused, match="loads a DLL") if blocks else contextlib.nullcontext():
        plans.install(windows.machine, asked)
    assert any("loads a DLL" in f.text for f in examine(windows.machine)) == (state != "2")


@pytest.mark.parametrize(("dll", "bits", "machine"), [("dll64", 32, 0x014C), ("dll32", 64, 0x8664)])
def test_a_dll_of_the_wrong_bitness_is_refused(windows, dll, bits, machine):
    asked = request(windows)
    windows.disk.put(getattr(asked.record, dll), program(machine))
    with pytest.raises(Refused, match=f"is a {bits}-bit file"):
        plans.install(windows.machine, asked)


@pytest.mark.parametrize("missing", ["dll64", "dll32", "python"])
def test_an_environment_without_a_dll_or_interpreter_is_refused(windows, missing):
    asked = request(windows)
    windows.disk.remove(PureWindowsPath(getattr(asked.record, missing)))
    with pytest.raises(Refused, match=r"install\.ps1|pip install --force-reinstall"):
        plans.install(windows.machine, asked)


def test_a_file_of_that_name_that_is_not_ours_is_not_touched(windows):
    windows.disk.put(windows.addin, b"somebody's")
    asked = request(windows)
    with pytest.raises(Refused, match="not what this installer put there"):
        plans.install(windows.machine, asked)
    assert windows.disk.read(windows.addin) == b"somebody's"


def test_a_second_copy_that_excel_opens_is_refused_and_named(windows):
    asked = request(windows)
    copy = windows.roaming / "Microsoft" / "Excel" / "XLSTART" / "XL_ECON.XLAM"
    windows.disk.put(copy)
    with pytest.raises(Refused, match="XLSTART"):
        plans.install(windows.machine, asked)
    windows.disk.remove(copy)
    windows.registry.put(OPTIONS, "OPEN", r'/R "D:\tools\xl_econ.xlam"')
    with pytest.raises(Refused, match=r"D:\\tools"):
        plans.install(windows.machine, asked)
    windows.registry.delete(OPTIONS, "OPEN")
    windows.registry.put(OPTIONS, "AltStartup", r"D:\start")
    windows.disk.put(r"D:\start\xl_econ.xlam")
    with pytest.raises(Refused, match=r"D:\\start"):
        plans.install(windows.machine, asked)


OTHERS = [
    {"OPEN": r'/R "C:\tools\a.xll"', "OPEN1": '"b.xlam"'},
    {"OPEN": "a", "OPEN2": "c"},
    {"OPEN1": "b"},
    {"OPEN": "a", "OPENx": "no number", "Other": "x"},
]


@pytest.mark.parametrize("others", OTHERS)
def test_others_that_excel_opens_stay_as_they_are(windows, others):
    for name, data in others.items():
        windows.registry.put(OPTIONS, name, data, 2)
    before = windows.state()
    install(windows)
    assert others.items() <= opened(windows).items()
    assert len(opened(windows)) == len(others) + 1
    uninstall(windows)
    assert windows.state() == before


def test_taking_ours_out_closes_the_gap_before_those_that_came_later(windows):
    windows.registry.put(OPTIONS, "OPEN", "a")
    install(windows)
    windows.registry.put(OPTIONS, "OPEN2", "c", 2)
    windows.registry.put(OPTIONS, "OPEN3", "d")
    uninstall(windows)
    assert opened(windows) == {"OPEN": "a", "OPEN1": "c", "OPEN2": "d"}
    assert windows.registry.values(OPTIONS)["OPEN1"] == Value("c", 2)


def test_excel_may_have_renumbered_or_shortened_ours(windows):
    install(windows)
    windows.registry.delete(OPTIONS, "OPEN")
    windows.registry.put(OPTIONS, "OPEN", "a")
    windows.registry.put(OPTIONS, "open1", '/R "XL_ECON.XLAM"')
    assert problems(windows) == []
    uninstall(windows)
    assert opened(windows) == {"OPEN": "a"}


def test_a_rollback_puts_back_what_is_missing(windows):
    before = windows.state()
    install(windows, "0.1.0")
    install(windows, "0.2.0")
    windows.registry.delete(OPTIONS, "OPEN")
    windows.registry.remove_key(OPTIONS)
    windows.disk.remove(windows.addin.parent)
    carry_out(plans.roll_back(windows.machine), windows.machine)
    assert problems(windows) == []
    plan = lines(plans.uninstall(windows.machine)[0])
    assert {"remove value", "remove key if empty", "remove", "remove folder if empty"} == {
        line["what"] for line in plan
    }
    windows.registry.put(OPTIONS, "Font", "Calibri")  # somebody else uses the key now: it stays
    uninstall(windows)
    assert opened(windows) == {"Font": "Calibri"}
    assert windows.disk.state() == before[1]


def test_an_unticked_add_in_is_told_and_ticked_again_by_a_repair(windows):
    install(windows)
    before = windows.state()
    manager = rf"{OFFICE}\Excel\Add-in Manager"
    windows.registry.delete(OPTIONS, "OPEN")
    windows.registry.put(manager, str(windows.addin), "")
    assert problems(windows) == ["the add-in was unticked in Excel"]
    install(windows)
    assert windows.registry.values(manager) == {}
    assert windows.state()[0] == before[0] | {manager: {}}


def test_excel_that_was_never_started_has_no_key(windows):
    windows.registry.remove_key(OPTIONS)
    before = windows.state()
    install(windows)
    install(windows, "0.2.0")
    uninstall(windows)
    assert windows.state() == before


def test_files_changed_since_are_left_and_said(windows):
    install(windows)
    windows.disk.put(windows.addin, b"edited")
    windows.disk.put(windows.root / "0.1.0" / "notes.txt", b"mine")
    windows.disk.put(windows.root / "xl_econ.conf", b"edited too")
    assert any("not as it was installed" in f.text for f in examine(windows.machine))
    asked = request(windows, "0.2.0")
    with pytest.raises(Refused, match="--force replaces it"):
        plans.install(windows.machine, asked)
    left = uninstall(windows)
    assert len(left) == 3
    assert windows.disk.read(windows.addin) == b"edited"
    assert windows.disk.names(windows.root) == ["0.1.0", "0.2.0", "xl_econ.conf"]  # 0.2.0 was never installed
    assert opened(windows) == {}


def test_an_environment_of_the_users_own_is_not_removed(windows):
    record = windows.venv("0.1.0")
    mine = r"C:\env"
    for path in (record.python, record.dll64, record.dll32):
        windows.disk.put(path.replace(str(windows.root / "0.1.0" / "venv"), mine))
    windows.disk.remove(windows.root)
    before = windows.state()
    elsewhere = {k: v.replace(str(windows.root / "0.1.0" / "venv"), mine) for k, v in vars(record).items()}
    carry_out(plans.install(windows.machine, plans.Request(type(record)(**elsewhere), b"x")), windows.machine)
    uninstall(windows)
    assert windows.state() == before


def test_the_mark_of_the_web_is_taken_off_our_files_alone(windows):
    asked = request(windows)
    folder = windows.disk.at(windows.addin.parent)
    folder.mkdir(parents=True)
    for name in ("xl_econ.xlam", "other.xlam"):
        (folder / f"{name}:Zone.Identifier").write_text("[ZoneTransfer]\nZoneId=3\n")
    carry_out(plans.install(windows.machine, asked), windows.machine)
    assert not windows.disk.is_from_internet(windows.addin)
    assert windows.disk.is_from_internet(windows.addin.with_name("other.xlam"))
    (folder / "xl_econ.xlam:Zone.Identifier").write_text("[ZoneTransfer]\nZoneId=3\n")
    assert any("marked as downloaded" in p for p in problems(windows))


def test_nothing_to_uninstall_or_to_roll_back_to(windows):
    for plan in (plans.uninstall, plans.roll_back):
        with pytest.raises(Refused, match="nothing is installed"):
            plan(windows.machine)
    install(windows)
    with pytest.raises(Refused, match="the only one"):
        plans.roll_back(windows.machine)


def test_a_rollback_to_files_that_are_gone_is_refused(windows):
    install(windows, "0.1.0")
    install(windows, "0.2.0")
    windows.disk.put(windows.root / "0.1.0" / "xl_econ.xlam", b"other")
    with pytest.raises(Refused, match=r"install version 0\.1\.0 anew"):
        plans.roll_back(windows.machine)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: "{",
        lambda m: "[]",
        lambda m: json.dumps(m | {"format": 2}),
        lambda m: json.dumps({k: v for k, v in m.items() if k != "addin"}),
        lambda m: json.dumps(
            m | {"current": m["current"] | {"record": m["current"]["record"] | {"version": "..\\.."}}}
        ),
        lambda m: json.dumps(m | {"current": m["current"] | {"record": m["current"]["record"] | {"python": "python"}}}),
    ],
)
def test_a_damaged_manifest_is_one_line_and_removes_nothing(windows, spoil):
    install(windows)
    path = windows.root / "install.json"
    windows.disk.put(path, spoil(json.loads(windows.disk.read(path))).encode())
    before = windows.state()
    with pytest.raises(InputError) as e:
        plans.uninstall(windows.machine)
    assert "\n" not in str(e.value)
    assert windows.state() == before
    assert len(problems(windows)) == 1


@pytest.mark.parametrize(
    ("values", "place"),
    [({}, "OPEN"), ({"OPEN": 1}, "OPEN1"), ({"OPEN": 1, "OPEN2": 1}, "OPEN1"), ({"OPEN1": 1}, "OPEN")],
)
def test_the_first_free_place(values, place):
    name, value = startup.added({k: Value("x") for k in values}, PureWindowsPath(r"C:\a b\xl_econ.xlam"))
    assert (name, value) == (place, Value(r'"C:\a b\xl_econ.xlam"'))
