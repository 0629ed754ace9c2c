"""The dossier of one survey: decisions first, then the figures behind them."""
