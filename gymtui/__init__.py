"""A full-screen terminal dashboard for live runs of an RL gym."""

__version__ = "0.1.0"
