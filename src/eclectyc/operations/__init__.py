"""What keeps an installation well: its home, health, structure checks, summaries, exports, backup and restore."""
