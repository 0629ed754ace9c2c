"""Structural after measurement: a model in two steps, corrected for the first in the second."""
