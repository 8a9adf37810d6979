"""Template workbooks: a layout in TOML, the model it states, the workbook built from it, and cases that fill it."""
