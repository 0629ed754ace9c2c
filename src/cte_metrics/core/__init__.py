"""What was asked and what was answered: the only door for data frames and files."""
