"""Formulas of reliability coefficients."""
