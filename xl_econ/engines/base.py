"""What an engine is, and what every one of them does around a task."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from xl_econ.core.errors import XlEconError

ATTEMPTS = 3  # of a task whose worker dies
AHEAD = 3  # tasks for each worker that are handed out before the first of them is done
T = TypeVar("T")
R = TypeVar("R")


class EngineError(XlEconError):
    """Work that could not be done where it was to be done."""

    exit_code = 4


class Engine(Protocol):
    """Where tasks run. Used in a `with` block; what it started ends with the block.

    Attributes:
        workers: How many tasks run at a time.
        deaths: How often a worker was lost, and its tasks were done again.
    """

    workers: int
    deaths: int

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """The results of tasks, in their order, each once.

        Tasks are taken as there is room for them, so that neither they nor results that wait pile up.

        Args:
            function: Of a module, so that another process finds it by its name.
            tasks: Small: what tells a worker what to do.

        Raises:
            EngineError: A task has taken its worker down repeatedly, or the workers are out of reach.
            XlEconError: As `function` raises.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None) -> None: ...


class InProcess:
    """One task after another, here."""

    workers, deaths = 1, 0

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """The results of tasks, in their order."""
        return map(function, tasks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None) -> None:
        """Nothing was started."""


@dataclass(frozen=True)
class Failed:
    """An error on purpose, on its way from another process: its class need not be one that can be pickled."""

    kind: type[XlEconError]
    message: str
    cell: str

    def error(self) -> XlEconError:
        """The error as it was."""
        e = self.kind.__new__(self.kind, self.message)
        e.args, e.cell = (self.message,), self.cell
        return e


def version() -> str:
    """The version of xl-econ here; the package is loaded before any part of it."""
    return str(sys.modules["xl_econ"].__version__)


def guarded(asked_by: str, function: Callable[[T], R], task: T) -> R | Failed:
    """Run a task in another process."""
    if asked_by != version():
        return Failed(EngineError, f"a worker has xl-econ {version()}, not {asked_by}; install the same", "")
    try:
        return function(task)
    except XlEconError as e:
        return Failed(type(e), str(e), e.cell)


def opened(result: R | Failed) -> R:
    """A result as it came from `guarded`.

    Raises:
        XlEconError: It was an error.
    """
    if isinstance(result, Failed):
        raise result.error()
    return result


def named(task: Any) -> str:
    """A task as an error names it."""
    text = repr(task)
    return text if len(text) <= 120 else text[:117] + "..."
