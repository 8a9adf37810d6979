"""Work on a Dask cluster: one of this machine for the time of the work, or a scheduler that is there."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Any, Self, TypeVar

from xl_econ.core.errors import UsageError, XlEconError

from .base import AHEAD, ATTEMPTS, EngineError, guarded, named, opened, version

T = TypeVar("T")
R = TypeVar("R")
CONNECT_SECONDS = 10
EMPTY_SECONDS = 20  # without a worker, until nobody waits for one
_LOOK_SECONDS = 2
_INSTALL = "the engine dask needs the package distributed: pip install 'xl-econ[dask]'"


def address(name: str) -> str:
    """Host and port of the scheduler that an engine's name says; empty for a cluster on this machine.

    Raises:
        UsageError: `dask://` without them.
    """
    found = name.removeprefix("dask").removeprefix("://")
    host, _, port = found.rpartition(":")
    if name != "dask" and not (host and port.isdigit() and 0 < int(port) < 1 << 16):
        raise UsageError(f"engine {name}: expected dask://host:port, as dask://10.0.0.5:8786")
    return found


class Dask:
    """A Dask cluster.

    Dask does a task again when its worker dies, on another worker; a result that is lost is computed again, and is the
    same. Files that tasks read and write must be where every worker finds them by the same path.

    Args:
        address: Host and port of the scheduler; empty starts a cluster on this machine.
        workers: Processes of that cluster.
    """

    def __init__(self, address: str, workers: int) -> None:
        self.address, self.workers = address, workers
        self.deaths = 0
        self._open = contextlib.ExitStack()
        self._known: set[str] = set()
        self._looked = -math.inf

    def __enter__(self) -> Self:
        """Reach the cluster.

        Raises:
            EngineError: Dask is not installed, nobody answers, there are no workers, or they have another xl-econ.
        """
        try:
            import distributed
        except ImportError:
            raise EngineError(_INSTALL) from None
        dask: Any = distributed  # which has types for some of what it has
        self._open.enter_context(_quiet())
        where: Any = f"tcp://{self.address}"
        try:
            if not self.address:
                with _without_interrupts():
                    where = self._open.enter_context(
                        dask.LocalCluster(
                            n_workers=self.workers,
                            threads_per_worker=1,
                            processes=True,
                            dashboard_address=":0",
                            silence_logs=50,
                        )
                    )
            self.client = self._open.enter_context(dask.Client(where, timeout=CONNECT_SECONDS, set_as_default=False))
            self._check_workers()
        except BaseException as e:
            self._open.close()
            if isinstance(e, OSError):
                raise EngineError(f"no Dask scheduler answers at {self.address} ({e})") from None
            raise
        return self

    def _check_workers(self) -> None:
        try:
            self.client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError:
            raise EngineError(
                f"the Dask scheduler at {self.address} has no workers; start some with dask worker"
            ) from None
        try:
            versions = self.client.run(version)
        except ModuleNotFoundError:
            raise EngineError("a Dask worker has no xl-econ; install the same version there") from None
        other = {worker: v for worker, v in versions.items() if v != version()}
        if other:
            listed = ", ".join(f"{worker} has {v}" for worker, v in list(other.items())[:3])
            raise EngineError(f"workers have another xl-econ than {version()}: {listed}; install the same")
        self._count()

    def _count(self) -> None:
        """How many threads are at work, and which workers are gone; asked for once a second."""
        if time.monotonic() - self._looked < 1:
            return
        threads = self.client.nthreads()
        self.workers = max(1, sum(threads.values()))
        self.deaths += len(self._known - set(threads))
        self._known = set(threads)
        self._looked = time.monotonic()

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """The results of tasks, in their order."""
        left = iter(tasks)
        waiting: deque[tuple[T, Any]] = deque()
        try:
            while True:
                self._count()
                for task in itertools.islice(left, max(0, AHEAD * self.workers - len(waiting))):
                    waiting.append((task, self._submit(function, task)))
                if not waiting:
                    self._looked = -math.inf
                    self._count()
                    return
                task, future = waiting.popleft()
                yield opened(self._result(task, future))
        finally:
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self.client.cancel([future for _, future in waiting], force=True)

    def _submit(self, function: Callable[[T], R], task: T) -> Any:
        return self.client.submit(guarded, version(), function, task, pure=False, retries=ATTEMPTS - 1)

    def _result(self, task: Any, future: Any) -> Any:
        from distributed import KilledWorker

        empty_since = math.inf
        try:
            while True:
                try:
                    return future.result(timeout=_LOOK_SECONDS)
                except TimeoutError:
                    if future.status == "error":  # the task's own; one that is done by now is taken the next time
                        raise
                # A worker that dies while it starts is not started again: without any, a task would wait for ever.
                now = time.monotonic()
                empty_since = math.inf if self.client.nthreads() else min(empty_since, now)
                if now - empty_since > EMPTY_SECONDS:
                    raise EngineError(
                        f"the Dask cluster has lost all of its workers; the task {named(task)} waits for one"
                    )
        except KilledWorker:
            raise EngineError(
                f"workers died repeatedly at the same task, {named(task)}; was there too little memory?"
            ) from None
        except XlEconError:
            raise
        except Exception as e:
            if future.cancelled() or self.client.status != "running":
                raise EngineError(f"the Dask scheduler is gone ({type(e).__name__})") from None
            raise

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None) -> None:
        """Leave the cluster; one that was started here ends."""
        self._open.close()


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal: those that are started here never hear it, this one at the end.

    What a thread holds back its threads and processes hold back too, so that workers that start later do as well.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which would let them through again in the thread that starts it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Dask logs of workers that come and go off the terminal; errors say it too."""
    names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] == "distributed"]
    before = {n: logging.getLogger(n).level for n in names}
    for n in names:
        logging.getLogger(n).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for n, level in before.items():
            logging.getLogger(n).setLevel(level)
