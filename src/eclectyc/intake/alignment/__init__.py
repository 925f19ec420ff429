"""Alignment of timestamps with the slots of local days: clocks, interval lengths, duplicates, a frame a month."""
