"""The actions of `xl-econ addin` that install: a thin way to the installer that install.ps1 uses too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def installer(args: argparse.Namespace) -> int:
    """Install, uninstall, roll back, rebuild, check or examine."""
    from xl_econ.addin.install import run

    return run(args)


def wheelhouse(args: argparse.Namespace) -> int:
    """Fill a folder that install.ps1 installs from without a network."""
    from xl_econ.addin.wheelhouse import build

    wheels = build(args.output, args.python, args.wheel, args.lock)
    size = sum(path.stat().st_size for path in wheels) / 1e6
    print(f"{len(wheels)} wheels, {size:.0f} MB, and requirements.txt in {args.output}")
    print(f"There: install.ps1 -Wheelhouse {args.output.name}")
    return 0
