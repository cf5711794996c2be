"""What is known of the gym, and what follows from it."""
