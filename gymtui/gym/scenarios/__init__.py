"""Scenarios: bundles of files, checked and opened, and the one that comes with the gym."""
