"""Personal data: consents, export, erasure, and how long each category of data is kept."""
