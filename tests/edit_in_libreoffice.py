"""Edits a workbook in LibreOffice as a person would; run by a Python that has the module uno.

Arguments: the workbook, where to save it, a folder for the profile.
"""

import subprocess
import sys
import time
import uuid
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException


def edit(book):
    """Renames sheets, inserts rows and columns in them, adds a sheet, formats, a comment and values."""
    sheets = book.Sheets
    inputs = sheets.getByName("Inputs")
    inputs.Rows.insertByIndex(2, 3)  # above everything
    inputs.Rows.insertByIndex(15, 2)  # among the inputs
    inputs.Columns.insertByIndex(4, 1)  # between the live value and the cases
    inputs.Columns.insertByIndex(10, 2)  # before the sources
    inputs.setName("Annahmen & Co's")
    sheets.getByName("Cover").Rows.insertByIndex(0, 2)
    sheets.getByName("Cover").setName("Deckblatt")
    sheets.getByName("Checks").setName("Prüfung")
    sheets.insertNewByName("Notes", 0)
    notes = sheets.getByName("Notes")
    notes.getCellByPosition(0, 0).setString("Mine")
    notes.getCellByPosition(0, 1).setFormula("=2*$'Annahmen & Co''s'.D13")
    notes.getCellByPosition(0, 0).CellBackColor = 0xFF0000
    notes.Annotations.insertNew(notes.getCellByPosition(0, 0).CellAddress, "my comment")


def option(name, value):
    found = PropertyValue()
    found.Name, found.Value = name, value
    return found


def main():
    source, target, profile = (Path(a).resolve() for a in sys.argv[1:])
    pipe = f"p{uuid.uuid4().hex}"
    office = subprocess.Popen(
        ["soffice", "--headless", f"-env:UserInstallation={profile.as_uri()}", f"--accept=pipe,name={pipe};urp;"]
    )
    try:
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        for _ in range(300):
            try:
                context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
                break
            except NoConnectException:
                time.sleep(0.1)
        desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        book = desktop.loadComponentFromURL(source.as_uri(), "_blank", 0, (option("Hidden", True),))
        edit(book)
        book.storeToURL(target.as_uri(), (option("FilterName", "Calc MS Excel 2007 XML"),))
        book.close(True)
        desktop.terminate()
        office.wait(30)
    finally:
        office.kill()


if __name__ == "__main__":
    main()
