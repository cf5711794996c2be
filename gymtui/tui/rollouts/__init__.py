"""The rollouts of one run."""
