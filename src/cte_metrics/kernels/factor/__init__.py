"""Formulas of factor analysis: extraction, rotation, retention, fit, scores."""
