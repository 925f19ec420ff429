"""The append-only record of who changed, read or exported what; chained, so that tampering is detected."""
