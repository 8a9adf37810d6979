"""Seeded faults and benign edits, written from what analysts do and not from what the checks look for."""
