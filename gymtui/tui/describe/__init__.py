"""Every field of one item as received."""
