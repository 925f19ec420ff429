"""Facts that every room shares: errors, time, units and identifiers. Pure: no Django, no clock."""
