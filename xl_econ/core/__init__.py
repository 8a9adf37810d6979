"""The shared core: errors, units, quantities, traced expressions, operations and the metric registry."""
