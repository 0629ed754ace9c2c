"""Answers of respondents: columns, codes, keying, and the text that describes them."""
