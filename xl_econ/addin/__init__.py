"""The Excel add-in: generated VBA around xlwings' COM server, packed on any machine, installed and checked."""
