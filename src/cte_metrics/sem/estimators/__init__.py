"""Discrepancy functions: each file one family, all after ``base``."""
