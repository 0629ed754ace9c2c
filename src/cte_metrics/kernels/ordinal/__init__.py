"""Formulas of ordered answers: thresholds, polychorics, their covariances."""
