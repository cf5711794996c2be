"""Pass rates along checkpoints, and distributions over rollouts."""
