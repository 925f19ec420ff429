"""Import profiles: the layout of one sender's files, described once and saved."""
