"""Likelihoods of incomplete normal data."""
