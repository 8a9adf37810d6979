"""Work on this machine in a pool of processes that survives the death of one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar

from .base import AHEAD, ATTEMPTS, EngineError, guarded, named, opened, version

T = TypeVar("T")
R = TypeVar("R")


class Pool:
    """Processes of this machine.

    When one of them is killed, the pool is broken and all its tasks are lost: a new pool does them again, first the one
    that is waited for, alone. So a task that kills its worker is found, and the others are done.
    """

    def __init__(self, workers: int) -> None:
        self.workers, self.deaths = workers, 0
        self._pool: ProcessPoolExecutor | None = None

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """The results of tasks, in their order."""
        left = iter(tasks)
        waiting: list[tuple[T, Future[Any] | None]] = []
        room, attempts = AHEAD * self.workers, 0
        while waiting or (waiting := [(task, None) for task in islice(left, 1)]):
            if attempts == 0:
                waiting += [(task, None) for task in islice(left, room - len(waiting))]
            try:
                at_work = 1 if attempts else len(waiting)
                waiting[:at_work] = [(t, f or self._submit(function, t)) for t, f in waiting[:at_work]]
                first = waiting[0][1]
                assert first is not None  # noqa: S101  (it was handed out)
                result = opened(first.result())
            except BrokenProcessPool:
                attempts += 1
                self.deaths += 1
                self._end()
                waiting = [(t, None if f is None or not _done(f) else f) for t, f in waiting]
                if attempts == 1 + ATTEMPTS:
                    raise EngineError(
                        f"a worker died {ATTEMPTS} times at the same task, {named(waiting[0][0])}; "
                        "was there too little memory?"
                    ) from None
                continue
            attempts = 0
            waiting.pop(0)
            yield result

    def _submit(self, function: Callable[[T], R], task: T) -> Future[Any]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.workers, initializer=_ignore_interrupts)
        return self._pool.submit(guarded, version(), function, task)

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None) -> None:
        """What is at work is finished, so that no file is left half written; what waits is dropped."""
        self._end()


def _done(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the one that was started decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
