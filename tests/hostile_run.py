"""Runs every command that reads workbooks over one of them, as a shell would.

Reads lines of JSON, each the paths of a workbook and of a sound one to compare it with, and the commands that are
wanted, or none for all. Answers each with a line: the most memory in kB that it or a child of it has ever had, and a
list of command, exit code, seconds, lines of error, bytes of output. One process for many, for its start takes longer
than most of them.
"""

import contextlib
import io
import json
import resource
import sys
import time
from pathlib import Path

from xl_econ import cli


def commands(path, sound):
    out = path.with_suffix(".out.xlsx")
    return {
        "audit": ["audit", path],
        "lint": ["lint", path],
        "extract": ["extract", path],
        "fill": ["fill", path, "--set", "mfu=0.3", "-o", out],
        "recalc": ["recalc", path],
        "diff": ["diff", sound, path],
        "trace": ["trace", path, "S!D1"],
        "dependents": ["trace", path, "S!A1", "--dependents", "--depth", "0"],
        "sweep": ["sweep", "TOKEN_COST", "--cases", path, "-n", "10"],
    }


def ran(path, sound, wanted):
    found = []
    for name, arguments in commands(path, sound).items():
        if wanted and name not in wanted:
            continue
        out, err = io.StringIO(), io.StringIO()
        started = time.monotonic()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = cli.main([str(a) for a in arguments])
            except SystemExit as e:
                code = e.code
        found.append([name, code, time.monotonic() - started, err.getvalue(), len(out.getvalue())])
    return found


def main():
    for line in sys.stdin:
        path, sound, *wanted = json.loads(line)
        found = ran(Path(path), Path(sound), wanted)
        most = max(resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        print(json.dumps([most, found]), flush=True)


if __name__ == "__main__":
    main()
