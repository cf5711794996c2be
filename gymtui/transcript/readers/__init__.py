"""From any message shape to turns and blocks."""
