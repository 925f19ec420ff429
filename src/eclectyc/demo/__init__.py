"""The demo: a fictional but realistic estate, generated from a seed: sites, meters and two years of readings."""
