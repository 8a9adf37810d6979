"""The options of the commands that ask what drives a result and what it would take."""

from __future__ import annotations

TYPE_CHECKING = False  # as in the command line itself: start-up is short
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


def tornado(sub: argparse.ArgumentParser, path: Callable[[str], Path]) -> None:
    """Add its options."""
    _named(sub)
    sub.add_argument("--cases", type=path, metavar="F", help="a case file: ranges move end to end, the rest P10 to P90")
    sub.add_argument("--swing", metavar="SHARE", help="numbers without a range move so far, as 20%%")
    sub.add_argument("--sobol", action="store_true", help="also the share of the variance that each input explains")
    sub.add_argument("--draws", type=int, default=4096, metavar="N", help="of --sobol, a power of two (default 4096)")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="of --sobol (default 0)")
    _result(sub)
    _picture(sub, path)


def bridge(sub: argparse.ArgumentParser, path: Callable[[str], Path]) -> None:
    """Add its options."""
    sub.add_argument("a", type=path, metavar="A", help="a case file, or a workbook of a template")
    sub.add_argument("b", type=path, metavar="B", help="the other one")
    sub.add_argument("--of", metavar="NAME|TEMPLATE", help="what they are cases of, where they do not say")
    sub.add_argument(
        "--by",
        choices=("input", "group"),
        default="input",
        metavar="WHAT",
        help="an effect for each input (default), or for each group: price, volume, efficiency, choice",
    )
    sub.add_argument(
        "--group", action="append", default=[], metavar="NAME=K1,K2", help="inputs that change together; again for more"
    )
    sub.add_argument("--order", metavar="K1,K2", help="one after the other in this order, in place of Shapley values")
    _result(sub)
    _picture(sub, path)


def solve(sub: argparse.ArgumentParser, path: Callable[[str], Path]) -> None:
    """Add its options."""
    _named(sub, "the value to reach, as 5e6 or target=5e6 or RESULT=5e6; inputs; what is sought, as mfu=?")
    _result(sub)


def breakeven(sub: argparse.ArgumentParser, path: Callable[[str], Path]) -> None:
    """Add its options."""
    _named(sub)
    for axis, text in (("x", "the input along the curve"), ("y", "the input that is solved for")):
        sub.add_argument(f"--{axis}", metavar="K=LOW:HIGH", required=True, help=f"{text}: utilization=0.2:1")
    sub.add_argument("--target", metavar="V", help="the value that the result should have")
    sub.add_argument("--equals", metavar="KEY", help="in its place, a result that it should equal")
    sub.add_argument("--points", type=int, default=21, metavar="N", help="of the curve (default 21)")
    _result(sub)
    sub.add_argument("--csv", type=path, metavar="F", help="write the curve and the grid")
    _picture(sub, path)


def _named(sub: Any, text: str = "inputs by name: mfu=41%%; what is left out has its default") -> None:
    sub.add_argument("name", metavar="NAME|TEMPLATE", help="a function (xl-econ list) or a template (xl-econ new)")
    sub.add_argument("arguments", metavar="k=v", nargs="*", help=text)


def _result(sub: Any) -> None:
    sub.add_argument("--result", metavar="KEY", help="a step or line in place of the result itself")


def _picture(sub: Any, path: Callable[[str], Path]) -> None:
    sub.add_argument("--png", type=path, metavar="F", help="write a picture (needs matplotlib)")
    sub.add_argument("--force", action="store_true", help="replace a file that is there")
