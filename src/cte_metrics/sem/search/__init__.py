"""From a start to a minimum."""
