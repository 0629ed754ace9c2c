"""What follows from a solved model by algebra: errors, tests, baselines, tables."""
