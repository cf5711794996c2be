"""The tool servers of the `hr` scenario."""
