"""Two rollouts side by side."""
