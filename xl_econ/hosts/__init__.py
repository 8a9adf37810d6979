"""Hosts: the places where a metric runs, one adapter each. All read the company's rate card, where one is in use."""

from xl_econ.workbook import rate_card

__all__ = ["rate_card"]
