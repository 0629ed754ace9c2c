"""Formulas of groups: agreement, variance components, mixed models, disclosure."""
