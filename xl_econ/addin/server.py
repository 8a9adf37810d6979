"""What the add-in starts: `python -I -m xl_econ.addin.server {CLSID}`, xlwings' COM server with the functions loaded.

Isolated (-I), the interpreter looks for modules in its own environment alone: not in the folder of a workbook, not
where PYTHONPATH points. The working folder, which is Excel's, is left for the environment's own, so that no library is
found beside a workbook either.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

_CLASS_ID = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")


def main(arguments: Sequence[str]) -> int:
    """Serve until Excel ends.

    Args:
        arguments: The class id under which Excel asks for the server.

    Returns:
        2 for anything but a class id, or an interpreter that was not started isolated.
    """
    if len(arguments) != 1 or not _CLASS_ID.fullmatch(arguments[0]):
        print("xl-econ: this is started by the Excel add-in, with a class id", file=sys.stderr)  # noqa: T201
        return 2
    if not sys.flags.isolated:
        print("xl-econ: start the server isolated: python -I -m xl_econ.addin.server", file=sys.stderr)  # noqa: T201
        return 2
    os.chdir(sys.prefix)

    from xlwings import com_server

    import xl_econ.hosts.udf  # noqa: F401  (the first cell should not wait for it)

    com_server.serve(arguments[0])  # type: ignore[no-untyped-call]
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
