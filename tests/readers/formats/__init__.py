"""Each format that is read: its golden files, and the ways in which such a file can be broken."""
