"""From printed stamps to the slots of local days: clocks, steps, the same slot twice, one frame a month."""
