"""Regions, sites, meters and their series: what there is to measure, and where."""
