"""What can be asked of the installer: one table for `xl-econ addin` and for what install.ps1 hands over to."""

from __future__ import annotations

TYPE_CHECKING = False  # read by the command line on every start
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

_JSON = ("--json", {"action": "store_true", "help": "one JSON object"})
_DRY = ("--dry-run", {"action": "store_true", "help": "print the plan, change nothing"})
_ADDIN = ("--addin", {"metavar": "F", "help": "another xl_econ.xlam than the package's"})
ACTIONS: dict[str, tuple[str, tuple[tuple[str, dict[str, str]], ...]]] = {
    "install": (
        "put the add-in where Excel opens it, or upgrade it (Windows)",
        (
            _ADDIN,
            (
                "--force",
                {"action": "store_true", "help": "although a policy keeps it from running; over files changed since"},
            ),
            ("--environment", {"metavar": "DIR", "help": "with --dry-run: the environment that is still to be made"}),
            _DRY,
            _JSON,
        ),
    ),
    "uninstall": ("remove what the installer put there", (_DRY, _JSON)),
    "rollback": ("go back to the version before", (_DRY, _JSON)),
    "rebuild": ("have Excel compile the add-in's modules itself", (_ADDIN, _DRY, _JSON)),
    "check": ("ask Excel for =XL_ECON_VERSION() (starts a hidden Excel)", (_JSON,)),
    "doctor": ("what is wrong with this installation and what to do (exit code 1: something is)", (_JSON,)),
}


def add_actions(action: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Give each action its parser and options."""
    for name, (help_text, options) in ACTIONS.items():
        parser = action(name, help_text)
        for flag, settings in options:
            parser.add_argument(flag, **settings)  # type: ignore[arg-type]
