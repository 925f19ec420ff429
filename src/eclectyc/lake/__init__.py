"""The only door to the readings: day rows in a Delta table. Read, write, supersede, undo, maintain."""
