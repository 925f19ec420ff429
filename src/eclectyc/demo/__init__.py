"""A believable estate made from a seed number: sites, meters and two years of readings. Fictional throughout."""
