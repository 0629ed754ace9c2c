"""The words for arrays, one for each kind of entry; every room takes them from here.

The shape of an array is said where it is used. ``Array`` holds the numbers that formulas compute
with, ``Index`` positions that pick rows or columns, ``Integers`` counts and codes of fixed width,
``Codes`` whole numbers of any width, ``Flags`` truth values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Integers = NDArray[np.int64]
Codes = NDArray[np.signedinteger]
Flags = NDArray[np.bool_]
