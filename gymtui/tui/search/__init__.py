"""A search through the transcripts of many rollouts."""
