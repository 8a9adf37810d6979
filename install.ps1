#Requires -Version 5.1
<#
.SYNOPSIS
Installs the xl-econ functions into Excel for this user. No administrator is needed.

.DESCRIPTION
Finds Python, makes an environment in %LOCALAPPDATA%\xl_econ\<version>\venv, installs xl-econ into it and hands over
to its installer, python -m xl_econ.addin.install, which does the rest and can undo it. Close Excel first.
Run it again with a newer install.ps1 to upgrade; the version before is kept.

Exit codes: 0 ok, 1 something is wrong (-Test, -Check), 2 usage, 3 a requirement is missing and nothing was changed,
4 a step failed and was undone.

.PARAMETER Test
Says what is wrong with this computer or this installation and what to do. Changes nothing.

.PARAMETER Check
Starts a hidden Excel and asks it for =XL_ECON_VERSION().

.PARAMETER Uninstall
Removes what was installed, and nothing else.

.PARAMETER Rollback
Goes back to the version before.

.PARAMETER Rebuild
Has Excel itself compile the macros of the add-in, if it does not accept those that are shipped.

.PARAMETER Wheelhouse
A folder with all packages, made by: xl-econ addin wheelhouse. Nothing is downloaded then, and checksums are compared.
Without it: the folder "wheelhouse" beside this script, if there is one.

.PARAMETER Python
The python.exe to use, as a full path. Without it: the py launcher, the registry, PATH.

.PARAMETER Force
Installs although a policy will keep the add-in from running, and over files that were changed since.

.EXAMPLE
powershell -ExecutionPolicy Bypass -File install.ps1

.EXAMPLE
powershell -ExecutionPolicy Bypass -File install.ps1 -WhatIf
Shows what would be done, and changes nothing.
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [switch] $Test,
    [switch] $Check,
    [switch] $Uninstall,
    [switch] $Rollback,
    [switch] $Rebuild,
    [string] $Wheelhouse,
    [string] $Python,
    [switch] $Force
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$Version = '0.1.0'
$Oldest = [version] '3.11'
$Platform = 'win-amd64'  # there are no packages for others; Excel may have 32 bits all the same
$Module = 'xl_econ.addin.install'
# Runs the installer's module from a folder or a wheel that is not installed; single quotes only: 5.1 loses double ones.
$Runner = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('$Module', run_name='__main__')"
# Three lines of an interpreter: its version, its platform, its own path.
$Probe = "import sys, sysconfig as c; print('%d.%d' % sys.version_info[:2], c.get_platform(), sys.executable, sep='\n')"

function Stop-Install {
    param([int] $Code, [string] $Text)
    [Console]::Error.WriteLine("install.ps1: $Text")
    exit $Code
}

function Get-Interpreter {
    # The version and the program behind a command that should be Python; nothing if it is not one that will do.
    param([string] $Path, [string[]] $Before, [string] $Wanted)
    $ErrorActionPreference = 'Continue'  # in this function: 5.1 makes an error of every line on a redirected stderr
    if (-not (Test-Path -LiteralPath $Path -PathType Leaf)) { return }
    if ($Path -like '*\WindowsApps\*') { return }
    try { $answer = @(& $Path @Before -I -c $Probe 2>$null) } catch { return }
    if ($LASTEXITCODE -ne 0 -or $answer.Count -ne 3) { return }
    $found = [string] $answer[0]
    $program = [string] $answer[2]
    if ($answer[1] -ne $Platform) { return }
    if ($found -notmatch '^\d+\.\d+$' -or [version] $found -lt $Oldest) { return }
    if ($Wanted -and $found -ne $Wanted) { return }
    if ($program -like '*\WindowsApps\*') { return }
    $program
}

function Get-Candidate {
    # Where Python may be: PEP 514's registry keys, newest first, then PATH; never the current folder.
    foreach ($hive in 'HKCU:\Software\Python\PythonCore', 'HKLM:\Software\Python\PythonCore') {
        if (-not (Test-Path -LiteralPath $hive)) { continue }
        $keys = Get-ChildItem -LiteralPath $hive | Where-Object { $_.PSChildName -match '^\d+\.\d+' }
        $newest = { [version] ($_.PSChildName -replace '[^0-9.].*$', '') }
        foreach ($key in @($keys | Sort-Object -Property $newest -Descending)) {
            $place = $key.OpenSubKey('InstallPath')
            if ($null -eq $place) { continue }
            $program = [string] $place.GetValue('ExecutablePath')
            $its = [string] $place.GetValue('')
            if (-not $program -and $its) { $program = Join-Path $its 'python.exe' }
            if ($program) { $program }
        }
    }
    $here = (Get-Location).ProviderPath
    $commands = Get-Command -Name 'python.exe' -CommandType Application -All -ErrorAction SilentlyContinue
    foreach ($command in @($commands | Where-Object { $_ })) {
        if ((Split-Path -Parent $command.Definition) -ne $here) { $command.Definition }
    }
}

function Find-Python {
    param([string] $Given, [string] $Wanted)
    if ($Given) {
        if (-not [IO.Path]::IsPathRooted($Given)) { Stop-Install 2 "-Python $Given is not a full path" }
        $found = Get-Interpreter -Path $Given -Before @() -Wanted $Wanted
        if (-not $found) {
            Stop-Install 3 "$Given will not do: 64-bit Python $Oldest or later $Wanted, and not the Microsoft Store's"
        }
        return $found
    }
    foreach ($launcher in "$env:SystemRoot\py.exe", "$env:LOCALAPPDATA\Programs\Python\Launcher\py.exe") {
        $which = '-3'
        if ($Wanted) { $which = "-$Wanted" }
        $found = Get-Interpreter -Path $launcher -Before @($which) -Wanted $Wanted
        if ($found) { return $found }
    }
    foreach ($candidate in @(Get-Candidate)) {
        $found = Get-Interpreter -Path $candidate -Before @() -Wanted $Wanted
        if ($found) { return $found }
    }
    $which = "$Oldest or later"
    if ($Wanted) { $which = "$Wanted (the wheelhouse is made for it)" }
    Stop-Install 3 ("no 64-bit Python $which is here for this user. Get it from https://www.python.org/downloads " +
        '("Install Now" needs no administrator), or ask for it to be rolled out. The one of the Microsoft Store will ' +
        'not do: Excel cannot see its folders. Then run this again, or give its place: -Python C:\...\python.exe')
}

function Get-WheelhouseVersion {
    # The Python that a wheelhouse was made for stands in the first line of its requirements.
    param([string] $Folder)
    $first = [string] (Get-Content -LiteralPath (Join-Path $Folder 'requirements.txt') -TotalCount 1)
    if ($first -match '^# python (\d+\.\d+)') { return $Matches[1] }
    Stop-Install 3 "$Folder is not a wheelhouse: make one with xl-econ addin wheelhouse -o $Folder"
}

function Get-InstalledPython {
    # The interpreter of the installation, as its manifest tells; nothing if there is none.
    param([string] $Manifest)
    if (-not (Test-Path -LiteralPath $Manifest -PathType Leaf)) { return }
    try {
        $content = Get-Content -LiteralPath $Manifest -Raw -Encoding UTF8 | ConvertFrom-Json
        $content.current.record.python
    } catch {
        Stop-Install 3 "$Manifest is damaged: docs/addin.md says what to remove by hand"
    }
}

function Remove-IfEmpty {
    param([string] $Folder)
    if ((Test-Path -LiteralPath $Folder) -and -not (Get-ChildItem -LiteralPath $Folder -Force)) {
        Remove-Item -LiteralPath $Folder
    }
}

# What is asked.
if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
    Write-Output 'install.ps1: a policy restricts PowerShell here: docs/addin.md has three commands that do without it'
    exit 3
}
$asked = @($Test.IsPresent, $Check.IsPresent, $Uninstall.IsPresent, $Rollback.IsPresent, $Rebuild.IsPresent)
if (@($asked | Where-Object { $_ }).Count -gt 1) {
    Stop-Install 2 'one of -Test, -Check, -Uninstall, -Rollback and -Rebuild at a time'
}
if ([Environment]::OSVersion.Platform -ne 'Win32NT') { Stop-Install 3 'the add-in needs Excel for Windows' }
if (-not $env:LOCALAPPDATA) { Stop-Install 3 'LOCALAPPDATA is not set: run this as the user of Excel' }
$action = 'install'
if ($Test) { $action = 'doctor' }
if ($Check) { $action = 'check' }
if ($Uninstall) { $action = 'uninstall' }
if ($Rollback) { $action = 'rollback' }
if ($Rebuild) { $action = 'rebuild' }
$arguments = @($action)
if ($WhatIfPreference -and $action -notin 'doctor', 'check') { $arguments += '--dry-run' }

# Where things are.
$root = Join-Path $env:LOCALAPPDATA 'xl_econ'
$folder = Join-Path $root $Version
$venv = Join-Path $folder 'venv'
$installed = [string] (Get-InstalledPython -Manifest (Join-Path $root 'install.json'))
if (-not $Wheelhouse -and (Test-Path -LiteralPath (Join-Path $PSScriptRoot 'wheelhouse'))) {
    $Wheelhouse = Join-Path $PSScriptRoot 'wheelhouse'
}
$wanted = ''
if ($Wheelhouse) {
    if (-not (Test-Path -LiteralPath (Join-Path $Wheelhouse 'requirements.txt'))) {
        Stop-Install 3 "$Wheelhouse holds no requirements.txt: make it with xl-econ addin wheelhouse"
    }
    $Wheelhouse = (Resolve-Path -LiteralPath $Wheelhouse).ProviderPath.TrimEnd('\')
    $wanted = Get-WheelhouseVersion -Folder $Wheelhouse
}
# The installer's code where nothing is installed yet: beside this script, or in the wheelhouse.
$source = ''
if ($Wheelhouse) { $source = Join-Path $Wheelhouse "xl_econ-$Version-py3-none-any.whl" }
if (Test-Path -LiteralPath (Join-Path $PSScriptRoot 'xl_econ\addin\install.py')) { $source = $PSScriptRoot }

if ($action -ne 'install') {
    $ours = $installed.StartsWith("$root\", [StringComparison]::OrdinalIgnoreCase)
    if ($ours -and $action -eq 'uninstall') {
        # An environment cannot remove itself while its own Python runs: another one does it, with its code.
        $site = Join-Path (Split-Path -Parent (Split-Path -Parent $installed)) 'Lib\site-packages'
        $base = Find-Python -Given $Python -Wanted ''
        & $base -I -B -c $Runner $site @arguments
    } elseif ($installed) {
        & $installed -I -m $Module @arguments
    } elseif ($source) {
        $base = Find-Python -Given $Python -Wanted ''
        & $base -I -B -c $Runner $source @arguments
    } elseif ($Test) {
        $base = Find-Python -Given $Python -Wanted $wanted
        Write-Output "The add-in is not installed. Python is: $base"
        exit 1
    } else {
        Stop-Install 3 "nothing is installed: there is no $root\install.json"
    }
    exit $LASTEXITCODE
}

if ($Force) { $arguments += '--force' }
$base = Find-Python -Given $Python -Wanted $wanted
Write-Output "Python: $base"
$own = Join-Path $venv 'Scripts\python.exe'
if (-not $PSCmdlet.ShouldProcess($venv, "make an environment and install xl-econ $Version")) {
    if ($WhatIfPreference -and (Test-Path -LiteralPath $own)) {
        & $own -I -m $Module @arguments
        exit $LASTEXITCODE
    }
    if ($WhatIfPreference -and $source) {
        & $base -I -B -c $Runner $source @arguments --environment $venv
        exit $LASTEXITCODE
    }
    exit 0
}

$made = -not (Test-Path -LiteralPath $venv)
$exitCode = 4
$failed = 'interrupted'
try {
    & $base -I -m venv $venv
    if ($LASTEXITCODE -ne 0) { throw "the environment $venv could not be made" }
    $pip = @('-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input')
    if ($Wheelhouse) {
        $requirements = Join-Path $Wheelhouse 'requirements.txt'
        & $own @pip --no-index --find-links $Wheelhouse --require-hashes --requirement $requirements
    } elseif (Test-Path -LiteralPath (Join-Path $PSScriptRoot 'pyproject.toml')) {
        & $own @pip ($PSScriptRoot + '[excel]')
    } else {
        & $own @pip --only-binary ':all:' "xl-econ[excel]==$Version"
    }
    if ($LASTEXITCODE -ne 0) {
        throw ('pip could not install the packages; its reason stands above. Without a network: -Wheelhouse. If it ' +
            'finds no version of a package, this Python is too new for it: give an older one with -Python')
    }
    & $own -I -m $Module @arguments
    if ($LASTEXITCODE -ne 0) {
        $exitCode = $LASTEXITCODE
        throw 'the add-in was not installed (the reason stands above)'
    }
    $failed = ''
} catch {
    $failed = [string] $_
} finally {
    if ($failed -and $made) {
        # Half an installation is none.
        if (Test-Path -LiteralPath $venv) {
            Remove-Item -LiteralPath $venv -Recurse -Force -ErrorAction SilentlyContinue
        }
        Remove-IfEmpty -Folder $folder
        Remove-IfEmpty -Folder $root
    }
}
if ($failed) { Stop-Install $exitCode $failed }
