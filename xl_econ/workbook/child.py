"""A child process with limits of memory and time, for what reads a file that somebody else wrote."""

from __future__ import annotations

import contextlib
import math
import os
import re
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from xl_econ.core.errors import WorkbookError

_LIMIT, _SECONDS = "XL_ECON_MEMORY", "XL_ECON_SECONDS"
_LINE = 500  # characters of a reason
_MOST = 512 << 20  # bytes that a child may say: values of millions of cells
_NO_MEMORY = re.compile(r"memory allocation of \d+ bytes failed|^MemoryError|bad_alloc|Cannot allocate memory", re.M)
_ENDS_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def seconds(path: Path, least: float = 20.0, megabyte: float = 1.0) -> float:
    """A time limit that grows with what a workbook expands to: a model of a million formulas is no attack."""
    with zipfile.ZipFile(path) as package:
        expanded = sum(p.file_size for p in package.infolist() if p.filename.startswith("xl/worksheets/"))
    return round(least + megabyte * expanded / 1e6)


def run(
    path: Path,
    module: str,
    arguments: list[str],
    memory: int,
    seconds: float,
    doing: tuple[str, str],
    given: bytes | Callable[[], bytes] = b"",
) -> bytes:
    """What a module of ours prints about a workbook, run in a process of its own.

    Args:
        path: The workbook, for the error.
        module: The module; it calls `limit_memory` first.
        arguments: Its arguments.
        memory: Limit in bytes.
        seconds: Time limit.
        doing: Who does what, for the error: ("ironcalc", "recalculate").
        given: Its standard input, or what makes it while the module is at work already.

    Raises:
        WorkbookError: It failed, died or took too long.
    """
    isolated = ["-I"] if sys.flags.isolated else []  # the add-in's server looks for no module beside a workbook
    child = subprocess.Popen(  # noqa: S603  (our own module, with the path as one argument)
        [sys.executable, *isolated, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {_LIMIT: str(memory), _SECONDS: str(math.ceil(seconds))},
    )
    who, what = doing
    try:
        out, err = child.communicate(given() if callable(given) else given, timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(child)
        raise WorkbookError(f"{path}: {who} did not finish in {seconds:g} s") from None
    except BaseException:
        _end(child)
        raise
    if child.returncode:
        said = err.decode(errors="replace").strip()
        reason = said.splitlines()[-1] if said else _ending(child.returncode)
        if _NO_MEMORY.search(said):
            reason = f"it needs more memory than {memory >> 30} GB"
        raise WorkbookError(f"{path}: {who} cannot {what} it: {reason[:_LINE]}")
    if len(out) > _MOST:
        raise WorkbookError(f"{path}: {who} says more than {_MOST >> 20} MB about it")
    return out


@contextlib.contextmanager
def within_limits(path: Path, seconds: float, memory: int = 4 << 30, doing: str = "read") -> Iterator[None]:
    """Limits for what reads a workbook in this process, where a platform and a thread can have any.

    Args:
        path: The workbook, for the error.
        seconds: Time limit.
        memory: Limit in bytes.
        doing: What is done with it, for the error.

    Raises:
        WorkbookError: It takes too long, or more memory.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    import resource

    def ring(*_: object) -> None:
        raise WorkbookError(f"{path}: is not {doing} in {seconds:g} s")

    limits, here = resource.getrlimit(resource.RLIMIT_AS), signal.signal(signal.SIGALRM, ring)
    lower = [x for x in (memory, *limits) if x != resource.RLIM_INFINITY]
    signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (min(lower), limits[1]))
    try:
        yield
    except MemoryError:
        raise WorkbookError(f"{path}: needs more memory than {memory >> 30} GB to be {doing}") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, here)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def _ending(code: int) -> str:
    return f"it crashed (signal {-code})" if code < 0 else f"it ended with {code}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child and what it started."""
    if hasattr(os, "killpg"):
        os.killpg(child.pid, 9)
    else:  # pragma: no cover (Windows)
        child.kill()
    child.communicate()


def leave(code: int) -> NoReturn:
    """End a child that has said all; clearing up millions of cells first would take time that somebody waits for."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join()  # an engine at work has a folder of its own to clear up
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def limit_memory() -> None:
    """Take the limits that the parent process set, and end with it.

    A process of its own that it starts may have others, so these are the soft ones.
    """
    with contextlib.suppress(ImportError):  # Windows has no resource module
        import resource

        def limit(of: int, wanted: int) -> None:
            highest = resource.getrlimit(of)[1]  # a stricter one of the shell stays; it cannot be raised
            resource.setrlimit(of, (wanted if highest == resource.RLIM_INFINITY else min(wanted, highest), highest))

        # The parent ends a child that takes too long; this is for the case that the parent was killed itself.
        limit(resource.RLIMIT_CPU, 4 * int(os.environ[_SECONDS]))
        _end_with_parent(signal.SIGKILL)
        limit(resource.RLIMIT_AS, int(os.environ[_LIMIT]))


def end_together() -> None:
    """End with the parent, and end what was started here, which would go on; for a child that only waits for it."""

    def end(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        raise SystemExit(1)

    signal.signal(signal.SIGTERM, end)
    _end_with_parent(signal.SIGTERM)


def _end_with_parent(how: signal.Signals) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_ENDS_WITH_PARENT, how)
