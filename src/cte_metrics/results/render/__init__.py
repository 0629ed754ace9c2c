"""What a result shows: text, HTML and JSON from one source of rows."""
