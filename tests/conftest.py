"""Settings for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# The gate draws the same examples every time; on a desk they vary and find what nobody thought of.
settings.register_profile("gate", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("gate")
