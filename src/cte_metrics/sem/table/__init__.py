"""The parameter table, which every later stage reads."""
