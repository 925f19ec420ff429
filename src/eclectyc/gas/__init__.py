"""Gas: calorific values by region and gas day, and the kWh that a meter's m³ are with them."""
