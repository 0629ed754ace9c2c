"""The correlation matrix that every analysis of structure starts from: its input, its level."""
