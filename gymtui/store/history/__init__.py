"""What was observed over time, and the journal that keeps it."""
