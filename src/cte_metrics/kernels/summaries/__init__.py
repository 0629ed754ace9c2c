"""One pass over rows: moments, counts, group sums, item statistics."""
