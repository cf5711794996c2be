"""Tasks by attempts, tasks by runs, and runs compared."""
