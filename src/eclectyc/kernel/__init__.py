"""What all rooms share: errors, days, units, identifiers and hooks. Pure: no Django, no clock."""
