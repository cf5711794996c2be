"""The running rollouts of all runs."""
