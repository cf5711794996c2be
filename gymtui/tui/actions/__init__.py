"""What was cancelled and deleted from here."""
