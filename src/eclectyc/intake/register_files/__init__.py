"""Files of register reads and of tank deliveries: matched with the registry and imported as one batch."""
