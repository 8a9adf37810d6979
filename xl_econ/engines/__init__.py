"""Where work runs: in this process, in a pool of processes, or on a Dask cluster; one interface for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xl_econ.core.errors import UsageError, nearest

if TYPE_CHECKING:
    from .base import Engine

NAMES = ("local", "dask", "dask://host:port")


def engine(name: str = "local", workers: int = 1) -> Engine:
    """The engine of that name, to be used in a `with` block.

    Args:
        name: `local`, in this process or in a pool of them; `dask`, a cluster on this machine for the time of the work;
            `dask://host:port`, a scheduler that is there.
        workers: Processes at work; a scheduler that is there has its own.

    Raises:
        UsageError: No such engine, or fewer than one worker.
        EngineError: Dask is not installed, or the scheduler does not answer.
    """
    if workers < 1:
        raise UsageError(f"{workers} workers: there must be at least 1")
    if name == "local":
        if workers == 1:
            from .base import InProcess

            return InProcess()
        from .local import Pool

        return Pool(workers)
    if name == "dask" or name.startswith("dask://"):
        from .cluster import Dask, address

        return Dask(address(name), workers)
    raise UsageError(f"no engine {name!r}{nearest(name, NAMES) or '; there are ' + ', '.join(NAMES)}")
