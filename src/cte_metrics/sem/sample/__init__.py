"""What the data show: rows read, moments, clusters, thresholds, and their checks."""
