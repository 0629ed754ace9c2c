"""Model formulas: their grammar, the values of their terms, and the design that they make."""
