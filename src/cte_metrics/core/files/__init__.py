"""From a file to columns: delimited text, workbooks, survey platforms and their headers."""
