"""Any message shape, read into turns."""
