"""One rollout's transcript."""
