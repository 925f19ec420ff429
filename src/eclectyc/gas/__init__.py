"""Gas: calorific values by region and gas day, and the kWh that they make of a meter's m³."""
