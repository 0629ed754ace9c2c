"""``python -m cte_metrics``: the command line."""

from cte_metrics.cli.main import main

if __name__ == "__main__":
    main()
