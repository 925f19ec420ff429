"""Tables: which column is which field, and what dates, numbers, words and identifiers in their cells mean."""
