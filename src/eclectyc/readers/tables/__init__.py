"""Tables: find the column of each field, and parse the dates, numbers, words and identifiers in cells."""
