"""What can be asked of a fit in two steps."""

from __future__ import annotations

from typing import Literal

SAMMethod = Literal["local", "global"]
MappingName = Literal["ml", "uls", "gls"]
TwoStepErrors = Literal["twostep", "naive", "bootstrap", "none"]
SAMEstimator = Literal["ML"]
