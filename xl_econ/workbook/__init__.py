"""Workbooks: a safe look at a file, its formulas and stored values, and their recalculation by other engines."""
