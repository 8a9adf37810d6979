"""Runs every command that reads workbooks over one of them, as a shell would: `python hostile_run.py FILE SOUND`.

Prints a JSON list of command, exit code, seconds, lines of error, bytes of output.
"""

import contextlib
import io
import json
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


def main():
    path, sound = map(Path, sys.argv[1:3])
    wanted = sys.argv[3:]
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
    print(json.dumps(found))


if __name__ == "__main__":
    main()
