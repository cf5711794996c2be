"""Lists: their columns, filters, order and groups, kept up to date by what changed."""
