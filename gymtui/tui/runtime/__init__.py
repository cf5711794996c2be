"""The terminal and the process."""
