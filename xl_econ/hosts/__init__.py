"""Hosts: the places where a metric runs, one adapter each."""
