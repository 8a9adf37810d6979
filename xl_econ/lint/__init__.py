"""Whether a workbook keeps the conventions: one cell model, a registry of rules, findings."""
