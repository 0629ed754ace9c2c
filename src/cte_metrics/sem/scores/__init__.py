"""Estimated factors of respondents and schools."""
