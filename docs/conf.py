"""Sphinx configuration."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cte_metrics

os.environ.setdefault("MPLBACKEND", "Agg")

HERE = Path(__file__).parent
TUTORIALS = HERE / "tutorials"
TUTORIALS.mkdir(exist_ok=True)
for notebook in sorted((HERE.parent / "notebooks").glob("*.ipynb")):
    shutil.copy(notebook, TUTORIALS / notebook.name)

project = "cte_metrics"
author = "The cte_metrics founders"
release = cte_metrics.__version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "numpydoc",
]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
html_theme = "pydata_sphinx_theme"
html_title = "cte_metrics"
html_theme_options = {"show_nav_level": 2, "navigation_with_keys": False}
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
mathjax_path = ""
