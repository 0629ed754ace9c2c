"""How well a solved model fits: measures, robust variants, residuals."""
