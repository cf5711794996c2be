"""Asking the gym: what next, and the loop that does."""
