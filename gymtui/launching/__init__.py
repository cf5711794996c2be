"""Launches before they are sent: their fields, checks, keys, names and descent. No network."""
