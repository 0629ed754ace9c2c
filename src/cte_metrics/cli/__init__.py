"""The command line, ``cte-metrics``."""
