"""The audit: of every cell whether it is an input, a formula or a problem, with evidence."""
