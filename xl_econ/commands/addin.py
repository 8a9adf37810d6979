"""`xl-econ addin ACTION`: what can be done with the Excel add-in, a function each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xl_econ.addin.options import ACTIONS as INSTALLING

from .addin_install import installer, wheelhouse

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def addin(args: argparse.Namespace) -> int:
    """Run the action that was parsed."""
    return _ACTIONS[args.action](args)


def build(args: argparse.Namespace) -> int:
    """Write the add-in, and its modules as files if asked to."""
    from xl_econ.addin.build import sources, write, write_sources

    write(args.output)
    print(args.output)
    if args.sources:
        write_sources(args.sources)
        print(f"{len(sources())} modules in {args.sources}")
    return 0


def names(args: argparse.Namespace) -> int:
    """Put the named functions into a workbook."""
    from .names import names as run

    return run(args)


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "build": build,
    "names": names,
    "wheelhouse": wheelhouse,
    **dict.fromkeys(INSTALLING, installer),
}
