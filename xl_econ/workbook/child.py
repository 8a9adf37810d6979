"""A child process with limits of memory and time, for what reads a file that somebody else wrote."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from xl_econ.core.errors import WorkbookError

_LIMIT = "XL_ECON_MEMORY"


def run(
    path: Path,
    module: str,
    arguments: list[str],
    memory: int,
    seconds: float,
    doing: tuple[str, str],
    given: bytes = b"",
) -> bytes:
    """What a module of ours prints about a workbook, run in a process of its own.

    Args:
        path: The workbook, for the error.
        module: The module; it calls `limit_memory` first.
        arguments: Its arguments.
        memory: Limit in bytes.
        seconds: Time limit.
        doing: Who does what, for the error: ("ironcalc", "recalculate").
        given: Its standard input.

    Raises:
        WorkbookError: It failed, died or took too long.
    """
    child = subprocess.Popen(  # noqa: S603  (our own module, with the path as one argument)
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {_LIMIT: str(memory)},
    )
    who, what = doing
    try:
        out, err = child.communicate(given, timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(child)
        raise WorkbookError(f"{path}: {who} did not finish in {seconds:g} s") from None
    if child.returncode:
        reason = err.decode(errors="replace").strip().splitlines()[-1:] or [f"it ended with {child.returncode}"]
        raise WorkbookError(f"{path}: {who} cannot {what} it: {reason[0]}")
    return out


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child and what it started."""
    if hasattr(os, "killpg"):
        os.killpg(child.pid, 9)
    else:  # pragma: no cover (Windows)
        child.kill()
    child.communicate()


def limit_memory() -> None:
    """Take the limit that the parent process set."""
    with contextlib.suppress(ImportError):  # Windows has no resource module
        import resource

        limit, (_, highest) = int(os.environ[_LIMIT]), resource.getrlimit(resource.RLIMIT_AS)
        if highest != resource.RLIM_INFINITY:  # a stricter one of the shell stays; it cannot be raised
            limit = min(limit, highest)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
