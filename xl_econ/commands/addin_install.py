"""The actions of `xl-econ addin` that install: a thin way to the installer that install.ps1 uses too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def installer(args: argparse.Namespace) -> int:
    """Install, uninstall, roll back, rebuild, check or examine."""
    from xl_econ.addin.install import run

    return run(args)
