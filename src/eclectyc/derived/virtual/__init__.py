"""Virtual meters' readings, worked out slot by slot from those of the meters in their formulas."""
