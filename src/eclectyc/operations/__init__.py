"""Operating an installation: home, health, structure checks, summaries, exports, backup and restore."""
