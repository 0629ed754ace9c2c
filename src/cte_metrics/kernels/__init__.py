"""Formulas on arrays: numpy and scipy only."""
