"""Where work runs: in this process, in a pool of processes, or on a Dask cluster; one interface for all."""
