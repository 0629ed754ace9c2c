"""Formulas of respondents within groups: normal and ordinal likelihoods at two levels."""
