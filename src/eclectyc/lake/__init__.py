"""The store of all readings, as day rows in a Delta table: read, write, supersede, undo, maintain."""
