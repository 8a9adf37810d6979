r"""Settings that keep Excel from running an add-in's macros: one table, read in the order in which Office obeys them.

A cloud policy wins over a group policy of the machine, that over one of the user, and all over what the user set. The
names are those of Microsoft's administrative templates for Office 16.0; attack surface reduction is Microsoft
Defender's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PureWindowsPath

from .findings import NOTE, PROBLEM, WARNING, Finding
from .system import Machine, Registry

_POLICIES = (
    ("cloud policy", r"HKCU\Software\Policies\Microsoft\Cloud\Office\16.0"),
    ("policy of this computer", r"HKLM\Software\Policies\Microsoft\Office\16.0"),
    ("policy of this user", r"HKCU\Software\Policies\Microsoft\Office\16.0"),
)
_OWN = ("setting of this user", r"HKCU\Software\Microsoft\Office\16.0")
_TRUSTED = r"Excel\Security\Trusted Locations"


@dataclass(frozen=True)
class Setting:
    """A registry value that can stand in the way.

    Attributes:
        key: Below a root of Office's settings.
        name: The value.
        blocking: What it says for each blocking number.
        level: How bad that is.
        remedy: What to do.
        lifted_by_trust: Whether it does not hold for a file in a trusted location.
    """

    key: str
    name: str
    blocking: dict[int, str]
    level: str
    remedy: str
    lifted_by_trust: bool = False


_ASK = "Only your administrator can change it: show them this line, or use the LAMBDA flavour, which needs no macros."
_SIGN = "Your organisation can sign xl_econ.xlam with its own certificate (docs/addin.md), or lift it for this add-in."
_TRUST = "Have the add-in's folder made a trusted location (File, Options, Trust Center)"
SETTINGS = (
    Setting(r"Common", "VBAOff", {1: "VBA is switched off for all of Office"}, PROBLEM, _ASK),
    Setting(r"Excel\Security", "DisableAllAddins", {1: "all add-ins are switched off"}, PROBLEM, _ASK),
    Setting(r"Excel\Security", "RequireAddinSig", {1: "add-ins must be signed by a trusted publisher"}, PROBLEM, _SIGN),
    Setting(
        r"Common\Security",
        "RequireAlwaysOnMacroSig",
        {1: "add-ins that load at the start must be signed by a trusted publisher"},
        PROBLEM,
        _SIGN,
    ),
    Setting(
        r"Excel\Security",
        "VBAWarnings",
        {3: "macros that are not signed are switched off"},
        PROBLEM,
        f"{_TRUST}, or the add-in signed.",
        lifted_by_trust=True,
    ),
    Setting(
        r"Excel\Security",
        "VBAWarnings",
        {4: "all macros are switched off"},
        PROBLEM,
        f"{_TRUST}; a signature does not help.",
        lifted_by_trust=True,
    ),
    Setting(
        r"Common\Security",
        "EnableMacroTrustLevel",
        {1: "macros outside trusted locations are switched off or ask first"},
        WARNING,
        f"{_TRUST}, or the add-in signed.",
        lifted_by_trust=True,
    ),
    Setting(
        r"Excel\Security",
        "BlockContentExecutionFromInternet",
        {1: "macros in files from the internet are switched off"},
        NOTE,
        "The installed add-in carries no mark of the internet, so this does not touch it.",
    ),
)
_DEFENDER = (
    r"HKLM\Software\Policies\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules",
    r"HKLM\Software\Policies\Microsoft\Windows Defender\Policy Manager",
)
_RULES = {
    "92e97fa1-2edf-4476-bdd6-9dd0b4dddc7b": "macros may not call Windows (the add-in loads a DLL)",
    "d4f940ab-401b-4efc-aadc-ad5f3c50688a": "Office may not start other programs (the add-in starts Python)",
}
_RULE_STATES = {"1": PROBLEM, "6": WARNING}  # blocks; warns the user, who may let it pass. 2 only records


def blocking(machine: Machine, folder: PureWindowsPath) -> Iterator[Finding]:
    """Settings and policies that keep an add-in in a folder from running."""
    trusted = is_trusted(machine, folder)
    for setting in SETTINGS:
        found = _first(machine.registry, setting)
        if found is None:
            continue
        whose, where, number = found
        if number in setting.blocking:
            text = f"{setting.blocking[number]}: {where} = {number} ({whose})"
            if setting.lifted_by_trust and trusted:
                yield Finding.note(
                    "policy", f"{text}; the add-in's folder is a trusted location, where it does not hold"
                )
            else:
                yield Finding(setting.level, "policy", text, setting.remedy)
    yield from _defender(machine.registry)


def is_trusted(machine: Machine, folder: PureWindowsPath) -> bool:
    """Whether a folder is among Excel's trusted locations and those are in force."""
    registry = machine.registry
    roots = [*(root for _, root in _POLICIES), _OWN[1]]
    if any(_number(registry, rf"{root}\{_TRUSTED}", "AllLocationsDisabled") == 1 for root in roots):
        return False
    for root in roots:
        for place in (rf"{root}\{_TRUSTED}", rf"{root}\Common\Security\Trusted Locations"):
            for name in registry.subkeys(place):
                values = {k.casefold(): v.data for k, v in (registry.values(rf"{place}\{name}") or {}).items()}
                path = PureWindowsPath(_expanded(str(values.get("path", "")), machine))
                if path.is_absolute() and (
                    folder == path or (values.get("allowsubfolders") == 1 and folder.is_relative_to(path))
                ):
                    return True
    return False


def may_import_modules(registry: Registry) -> bool:
    """Whether a program may write VBA modules in Excel ("Trust access to the VBA project object model")."""
    found = _first(registry, Setting(r"Excel\Security", "AccessVBOM", {}, PROBLEM, ""))
    return found is not None and found[2] == 1


def _first(registry: Registry, setting: Setting) -> tuple[str, str, int] | None:
    """Whose setting is in force, where it stands, and its number."""
    for whose, root in (*_POLICIES, _OWN):
        key = rf"{root}\{setting.key}"
        number = _number(registry, key, setting.name)
        if number is not None:
            return whose, rf"{key}\{setting.name}", number
    return None


def _number(registry: Registry, key: str, name: str) -> int | None:
    for found, value in (registry.values(key) or {}).items():
        if found.casefold() == name.casefold() and isinstance(value.data, int):
            return value.data
    return None


def _defender(registry: Registry) -> Iterator[Finding]:
    rules: dict[str, str] = {}
    for key in _DEFENDER:
        for name, value in (registry.values(key) or {}).items():
            if name.casefold() == "asrrules":  # one text: rule=state|rule=state
                pairs = (pair.partition("=") for pair in str(value.data).split("|"))
                rules |= {rule.strip().casefold(): state.strip() for rule, _, state in pairs}
            else:
                rules[name.strip("{}").casefold()] = str(value.data)
    for rule, text in _RULES.items():
        if (level := _RULE_STATES.get(rules.get(rule, ""))) is not None:
            yield Finding(level, "policy", f"{text}: attack surface reduction rule {rule} of Microsoft Defender", _ASK)


def _expanded(text: str, machine: Machine) -> str:
    for name, value in machine.environment.items():
        text = text.replace(f"%{name}%", value).replace(f"%{name.lower()}%", value)
    return text
