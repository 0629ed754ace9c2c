"""Instruments as typed, versioned data: their parts, checks, files and registry."""
