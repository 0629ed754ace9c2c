"""From model text to statements."""
