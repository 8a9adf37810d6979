"""Scenarios: sweeps, tornado, bridge, goal seek and break-even maps over metrics and whole templates."""
