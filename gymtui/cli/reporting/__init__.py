"""Reports for other people: what is in them, as blocks, and how blocks become a document."""
