"""What the buttons of the ribbon run: each answers with the text of a message box, "" for none.

The add-in's VBA calls these by name through the same COM server as the functions. They move values between the open
workbook and the services that the command line uses, and never overwrite a cell that they did not announce.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xl_econ import __version__
from xl_econ.core.errors import WorkbookError

from . import excel
from .excel import told

if TYPE_CHECKING:
    from xl_econ.audit.registry import Finding

FINDINGS, EXPLAINED = "xl-econ findings", "xl-econ explained"
_SHOWN = 12  # changes that a question lists


@told
def insert_template(name: str) -> str:
    """Put the sheets of a template, freshly built, behind those of the open workbook; a new workbook if none is open.

    Args:
        name: The template.
    """
    from .inserted import insert

    return insert(excel.application(), name)


@told
def explain_cell() -> str:
    """Write beside the selected cell how the functions of ours in it come to their numbers."""
    from . import explained

    app = excel.application()
    excel.needed_book(app)
    cell = explained.selected(app)
    return explained.write(cell, EXPLAINED)


@told
def audit_workbook() -> str:
    """List the findings about the open workbook, as it was saved last, on a new sheet."""
    from xl_econ.audit.registry import CHECKS

    book = excel.needed_book(excel.application())
    path = _saved_copy(book)
    excel.check_structure(book)
    unsaved = "" if book.api.Saved else f"\nChanges since {book.name} was saved last are not in it: save, then repeat."
    own = (FINDINGS.casefold(), EXPLAINED.casefold())
    found = [f for f in _findings(path) if not f.sheet.casefold().startswith(own)]
    if not found:
        return f"{book.name}: no findings.{unsaved}"
    lines = [[f.severity, f.sheet, f.cell, f.check, f.message, CHECKS[f.check].remedy] for f in found]
    heading = ["severity", "sheet", "cell", "check", "finding", "remedy"]
    sheet = excel.new_sheet(book, FINDINGS)
    excel.write(sheet, 1, 1, [heading, *lines])
    sheet.autofit("c")
    counts = Counter(f.severity for f in found)
    told_counts = ", ".join(
        f"{n} {word}{'s' if n > 1 and word != 'info' else ''}" for word, n in sorted(counts.items())
    )
    return f"{book.name}: {told_counts}, on the sheet {sheet.name}.{unsaved}"


def _findings(path: Path) -> list[Finding]:
    """The one place that decides which service examines a workbook."""
    from xl_econ.audit.run import audit

    return audit(path)


def _saved_copy(book: Any) -> Path:
    """The file of a workbook.

    Raises:
        WorkbookError: It was never saved, or not to a disk.
    """
    name = str(book.api.FullName)
    if not book.api.Path:
        raise WorkbookError(f"{book.name} was never saved; save it, then press the button again")
    path = Path(name)
    if "://" in name or not path.is_file():
        raise WorkbookError(f"{name} is not a file on this computer; save a copy of it to a folder, and open that")
    return path


@told
def refresh_prices() -> str:
    """Bring the reference tables of the open workbook up to date, after asking: figures, source and date."""
    from . import refreshed

    app = excel.application()
    book = excel.needed_book(app)
    plan = refreshed.plan(book)
    if not plan.rows:
        return f"{book.name}: nothing to refresh.\n{plan.remarks()}".strip()
    title = "xl-econ: refresh prices"
    if app.alert(plan.question(_SHOWN), title, "yes_no") != "yes":
        return f"{book.name}: nothing was changed."
    written = refreshed.write(app, book, plan)
    return f"{book.name}: {written} cells written in {len(plan.rows)} rows.\n{plan.remarks()}".strip()


@told
def why() -> str:
    """The reasons of the last errors of functions, the newest first."""
    from xl_econ.hosts.udf import WHY

    return "\n".join(str(text) for (text,) in WHY())


@told
def about() -> str:
    """Versions, the rate card in use, and where things are."""
    import xlwings

    from xl_econ.metrics import REGISTRY
    from xl_econ.workbook import rate_card

    card = rate_card.current()
    return "\n".join(
        (
            f"xl-econ {__version__}: {len(REGISTRY)} functions, AI compute economics",
            f"Rate card: {card or 'the shipped tables'}",
            f"Python {sys.version.split()[0]}, xlwings {xlwings.__version__}: {sys.executable}",
            "Apache-2.0",
        )
    )
