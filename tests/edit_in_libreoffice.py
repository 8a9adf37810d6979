"""Edits a workbook in LibreOffice as a person would; run by a Python that has the module uno.

Besides what moves the inputs it adds a sheet with a chart, a pivot table, a rule, a picture-like shape and comments.

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
    inputs.Annotations.insertNew(inputs.getCellByPosition(5, 21).CellAddress, "why this?")
    inputs.copyRange(notes.getCellByPosition(20, 0).CellAddress, notes.getCellRangeByName("A1:A2").RangeAddress)
    enrich(book, notes)


def enrich(book, notes):
    """A pivot table over a list, a chart of an input's cases, a rule and a shape."""
    for row, line in enumerate((("who", "usd"), ("a", 1), ("b", 2), ("a", 3))):
        for column, value in enumerate(line):
            cell = notes.getCellByPosition(3 + column, row)
            (cell.setString if isinstance(value, str) else cell.setValue)(value)
    pivot = notes.DataPilotTables.createDataPilotDescriptor()
    pivot.setSourceRange(notes.getCellRangeByName("D1:E4").RangeAddress)
    fields = pivot.DataPilotFields
    fields.getByIndex(0).Orientation = uno.Enum("com.sun.star.sheet.DataPilotFieldOrientation", "ROW")
    fields.getByIndex(1).Orientation = uno.Enum("com.sun.star.sheet.DataPilotFieldOrientation", "DATA")
    notes.DataPilotTables.insertNewByName("p", notes.getCellByPosition(6, 0).CellAddress, pivot)
    where = uno.createUnoStruct("com.sun.star.awt.Rectangle")
    where.X, where.Y, where.Width, where.Height = 1000, 5000, 8000, 6000
    cases = book.Sheets.getByName("Annahmen & Co's").getCellRangeByName("F22:H22").RangeAddress
    notes.Charts.addNewByName("c", where, (cases,), False, False)
    area = notes.getCellRangeByName("E2:E4")
    rules = area.ConditionalFormat
    rules.addNew(
        (
            option("Operator", uno.Enum("com.sun.star.sheet.ConditionOperator", "GREATER")),
            option("Formula1", "1"),
            option("StyleName", "Good"),
        )
    )
    area.ConditionalFormat = rules
    shape = book.createInstance("com.sun.star.drawing.RectangleShape")
    size = uno.createUnoStruct("com.sun.star.awt.Size")
    size.Width, size.Height = 3000, 2000
    shape.setSize(size)
    notes.DrawPage.add(shape)


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
