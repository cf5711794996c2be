"""The rules that are armed on runs."""
