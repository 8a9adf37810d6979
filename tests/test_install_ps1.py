"""install.ps1, which no PowerShell runs here: it parses, it is for 5.1, and what it hands over is known."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path, PureWindowsPath

import pytest
import tree_sitter
import tree_sitter_powershell
import tree_sitter_pwsh

from xl_econ import __version__
from xl_econ.addin import install, options, record, wheelhouse
from xl_econ.addin.manifest import Manifest, Version
from xl_econ.addin.places import places, planned

REPOSITORY = Path(__file__).parents[1]
SCRIPT = (REPOSITORY / "install.ps1").read_bytes()
TEXT = SCRIPT.decode("ascii")  # 5.1 reads a script without a byte order mark in the code page of the machine
GRAMMARS = [tree_sitter_pwsh, tree_sitter_powershell]
# Windows PowerShell's own, none of which runs a text as code, downloads, or changes what is not ours.
COMMANDS = {
    *("ConvertFrom-Json", "Get-ChildItem", "Get-Command", "Get-Content", "Get-Location", "Join-Path", "Remove-Item"),
    *("Resolve-Path", "Set-StrictMode", "Sort-Object", "Split-Path", "Test-Path", "Where-Object", "Write-Output"),
}
AUTOMATIC = {
    "_",
    "lastexitcode",
    "psscriptroot",
    "whatifpreference",
    "pscmdlet",
    "executioncontext",
    "matches",
    "true",
    "false",
    "null",
}
NOT_IN_5_1 = ("==", "!=", "&&", "||", "??", "?.", "elsif", "else if", " ? ")
ACTIONS = {"doctor", "check", "uninstall", "rollback", "rebuild", "install"}


def parse(script, grammar=tree_sitter_pwsh):
    return tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(script).root_node


def nodes(kind, node=None):
    node = node or parse(SCRIPT)
    if node.type == kind:
        yield node
    for child in node.children:
        yield from nodes(kind, child)


def texts(kind, node=None):
    return [n.text.decode() for n in nodes(kind, node)]


def code():
    """The script with comments and texts blanked."""
    blank = bytearray(SCRIPT)
    for kind in ("comment", "string_literal"):
        for n in nodes(kind):
            blank[n.start_byte : n.end_byte] = b" " * (n.end_byte - n.start_byte)
    return blank.decode()


def variable(text):
    return text.lstrip("$@").casefold()


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda g: g.__name__)
def test_it_parses_and_the_grammar_would_tell_if_not(grammar):
    assert not parse(SCRIPT, grammar).has_error
    for slip in (SCRIPT.replace(b"}\n\nfunction Find", b"\n\nfunction Find", 1), SCRIPT + b"if ($x", SCRIPT + b"'open"):
        assert parse(slip, grammar).has_error


def test_it_is_plain_and_strict():
    assert TEXT.startswith("#Requires -Version 5.1\n")
    assert "Set-StrictMode -Version 2.0\n$ErrorActionPreference = 'Stop'\n" in TEXT
    assert "[CmdletBinding(SupportsShouldProcess = $true)]" in TEXT
    assert max(map(len, TEXT.splitlines())) <= 120
    assert "\t" not in TEXT


def test_nothing_that_5_1_does_not_know():
    assert [token for token in NOT_IN_5_1 if token in code()] == []


def test_only_known_commands_and_every_function_is_used():
    functions = set(texts("function_name"))
    called = set(texts("command_name"))
    assert called <= COMMANDS | functions
    assert functions <= called
    assert called >= COMMANDS  # a name that is no longer used leaves the list


def test_only_interpreters_are_run_and_by_their_full_path():
    invoked = {n.text.decode() for n in nodes("command_name_expr") if n.parent.text.startswith(b"&")}
    assert invoked == {"$Path", "$base", "$installed", "$own"}


def test_every_variable_is_given_a_value():
    assigned = {variable(t.split("=")[0].split("+")[0].strip()) for t in texts("assignment_expression")}
    given = {variable(n.text.decode()) for p in nodes("script_parameter") for n in nodes("variable", p)}
    looped = {variable(next(nodes("variable", n)).text.decode()) for n in nodes("foreach_statement")}
    used = {variable(t) for t in texts("variable") if not t.startswith("$env:")}
    assert used - assigned - given - looped - AUTOMATIC == set()
    assert given - used == set()
    environment = {t for t in texts("variable") if t.startswith("$env:")}
    assert environment == {"$env:LOCALAPPDATA", "$env:SystemRoot"}


def parameters():
    block = next(n for n in nodes("param_block") if b"Wheelhouse" in n.text)
    return [n.text.decode().lstrip("$") for p in nodes("script_parameter", block) for n in nodes("variable", p)]


def test_every_switch_is_documented_in_the_script_and_in_the_docs():
    assert re.findall(r"^\.PARAMETER (\w+)$", TEXT, re.MULTILINE) == parameters()
    docs = (REPOSITORY / "docs" / "addin.md").read_text()
    for name in [*parameters(), "WhatIf"]:
        assert f"`-{name}" in docs, name


def test_exit_codes_are_those_of_the_command_line():
    codes = {int(n) for n in re.findall(r"(?:Stop-Install|exit|\$exitCode =) (\d+)", code())}
    assert codes <= {0, 1, 2, 3, 4}
    assert re.findall(r"\b(\d) (?:ok|something|usage|a requirement|a step)", TEXT) == ["0", "1", "2", "3", "4"]


def test_what_it_hands_over_is_known_to_the_installer():
    actions = set(re.findall(r"\$action = '(\w+)'", TEXT))
    assert actions == ACTIONS == set(options.ACTIONS)
    assert f"$Module = '{install.__name__}'" in TEXT
    takes = {name: {flag for flag, _ in flags} for name, (_, flags) in options.ACTIONS.items()}
    [without_plan] = re.findall(r"-notin ('\w+', '\w+')\) \{ \$arguments \+= '--dry-run'", TEXT)
    for action in ACTIONS:
        assert ("--dry-run" in takes[action]) == (f"'{action}'" not in without_plan)
    assert {"--force", "--environment"} <= takes["install"]
    passed = {t for t in re.findall(r"--[a-z-]+", code()) + re.findall(r"'(--[a-z-]+)'", TEXT)}
    ours = {"--dry-run", "--force", "--environment"}
    assert ours <= passed
    said = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--help"], capture_output=True, text=True, check=True
    )
    assert [option for option in passed - ours if option not in said.stdout] == []


def test_names_and_versions_are_those_of_the_package():
    assert f"$Version = '{__version__}'" in TEXT
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    [oldest] = re.findall(r"\$Oldest = \[version\] '([\d.]+)'", TEXT)
    assert project["requires-python"] == f">={oldest}"
    assert f"xlwings=={record.XLWINGS}" in project["optional-dependencies"]["excel"]
    where = places({"LOCALAPPDATA": r"C:\L", "APPDATA": r"C:\A"})
    assert f"Join-Path $env:LOCALAPPDATA '{where.root.name}'" in TEXT
    assert f"Join-Path $root '{where.manifest.name}'" in TEXT
    assert f"Join-Path $folder '{where.venv(__version__).name}'" in TEXT
    assert planned(where.venv("1"), "1").python.endswith("Scripts\\python.exe")
    assert "'Scripts\\python.exe'" in TEXT
    assert f"$Platform = '{wheelhouse.PLATFORM.replace('_', '-')}'" in TEXT
    assert set(re.findall(r"'(requirements\S*)'", TEXT)) == {wheelhouse.REQUIREMENTS}


def test_what_it_reads_is_what_is_written():
    environment = planned(PureWindowsPath(r"C:\env"), __version__)
    manifest = Manifest(Version(environment, "", True), None, PureWindowsPath(r"C:\a"))
    content = json.loads(manifest.encoded())
    [path] = re.findall(r"\$content\.([\w.]+)", TEXT)
    for key in path.split("."):
        content = content[key]
    assert content == environment.python
    [pattern] = re.findall(r"\$first -match '([^']+)'", TEXT)
    assert re.match(pattern, wheelhouse.requirements([], "3.12"))[1] == "3.12"


def test_an_interpreter_answers_the_probe_with_three_lines():
    [probe] = re.findall(r'^\$Probe = "(.*)"$', TEXT, re.MULTILINE)
    assert not set('$"`') & set(probe)  # nothing that PowerShell would change
    done = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=True)
    version, platform, program = done.stdout.splitlines()
    assert re.fullmatch(r"\d+\.\d+", version)
    assert platform
    assert Path(program).is_absolute()


def test_the_stores_python_is_never_run():
    [probe] = [n.text.decode() for n in nodes("function_statement") if b"function Get-Interpreter" in n.text]
    assert probe.index("WindowsApps") < probe.index("& $Path")
