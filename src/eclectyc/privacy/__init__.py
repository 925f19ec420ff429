"""What is held about people: consent, their export, their erasure, and how long each kind of data is kept."""
