"""The append-only record of who did, read or exported what; chained, so that tampering shows."""
