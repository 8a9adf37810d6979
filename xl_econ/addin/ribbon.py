"""The ribbon tab xl-econ: its buttons, and what each of them runs."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from xl_econ.templates import layout

SCHEMA = "http://schemas.microsoft.com/office/2009/07/customui"
CALLBACK = "XlEconButton"


@dataclass(frozen=True)
class Button:
    """A button of the tab.

    Attributes:
        macro: Function of `xl_econ.addin.macros` that it runs; `help` opens a page instead.
        label: What it is called.
        tip: What it does, in a sentence.
        image: Name of one of Office's own icons.
        key: Key tip: what to press after Alt and the tab's key.
    """

    macro: str
    label: str
    tip: str
    image: str
    key: str


INSERT = Button(
    "insert_template", "Insert template", "Put the sheets of a template into this workbook.", "FileNew", "T"
)
GROUPS = {
    "Work": (
        INSERT,
        Button(
            "explain_cell",
            "Explain cell",
            "Write beside the selected cell, step by step, how its function comes to its number.",
            "FunctionWizard",
            "E",
        ),
        Button(
            "audit_workbook",
            "Audit workbook",
            "Check every cell of this workbook and list the findings on a sheet of their own.",
            "ErrorChecking",
            "A",
        ),
        Button(
            "refresh_prices",
            "Refresh prices",
            "Bring the prices of the rate card up to date, then calculate again.",
            "RefreshAll",
            "R",
        ),
    ),
    "Help": (
        Button("why", "Why?", "Tell the reasons of the last errors.", "ReviewNewComment", "W"),
        Button("help", "Help", "Open the guide to functions and templates.", "Help", "H"),
        Button("about", "About", "Tell the versions, the rate card in use and where things are.", "Info", "I"),
    ),
}


def custom_ui() -> str:
    """The part `customUI14.xml`."""
    groups = "".join(
        f"<group id={quoteattr(f'xlEcon{name}')} label={quoteattr(name)}>{''.join(map(_control, buttons))}</group>"
        for name, buttons in GROUPS.items()
    )
    tab = f'<tab id="xlEcon" label="xl-econ" keytip="Y1">{groups}</tab>'
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<customUI xmlns="{SCHEMA}"><ribbon><tabs>{tab}</tabs></ribbon></customUI>'
    )


def _control(button: Button) -> str:
    if button is not INSERT:
        return f'<button size="large" onAction="{CALLBACK}" tag="{button.macro}" {_attributes(button)}/>'
    items = "".join(
        f'<button id="xlEcon_new_{name}" label={quoteattr(_menu(layout.load(name).title))} '
        f'onAction="{CALLBACK}" tag="{button.macro}:{name}"/>'
        for name in layout.names()
    )
    return f'<menu size="large" itemSize="normal" {_attributes(button)}>{items}</menu>'


def _menu(title: str) -> str:
    """In a label one ampersand marks a key; two show one."""
    return title.replace("&", "&&")


def _attributes(button: Button) -> str:
    values = {
        "id": f"xlEcon_{button.macro}",
        "label": _menu(button.label),
        "screentip": button.label,
        "supertip": button.tip,
        "imageMso": button.image,
        "keytip": button.key,
    }
    return " ".join(f"{name}={quoteattr(value)}" for name, value in values.items())
