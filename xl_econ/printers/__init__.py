"""Printers: an expression as text, one table of operations each. An operation that a table does not list is refused."""
