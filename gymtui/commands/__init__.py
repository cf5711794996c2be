"""What the commands do; `cli` only reads their options, so that each is imported when used."""
