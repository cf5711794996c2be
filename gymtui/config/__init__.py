"""The settings: what holds, where it was said, and how it is written."""
