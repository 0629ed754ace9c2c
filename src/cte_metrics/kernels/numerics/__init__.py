"""Numerical tools that know no statistic's name: distributions, Newton steps, resampling."""
