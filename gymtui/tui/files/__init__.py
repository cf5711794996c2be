"""Transcripts from disk, without a gym."""
