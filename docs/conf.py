"""Sphinx configuration. Code cells are executed; nothing is fetched from outside."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

import cte_metrics
from cte_metrics.report.records import result_class, result_classes
from cte_metrics.results import Result
from cte_metrics.results.schema import schema

sys.path.insert(0, str(Path(__file__).parent))
import pipeline
import problems

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # kernels import reference_values
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

HERE = Path(__file__).parent
TUTORIALS = HERE / "tutorials"
GENERATED = HERE / "reference" / "generated"
PACKAGES = (
    "aggregation",
    "change",
    "effects",
    "factor",
    "irt",
    "planning",
    "quality",
    "reliability",
    "scoring",
    "sem",
)


def copy_notebooks() -> None:
    """Put the notebooks where Sphinx reads them."""
    TUTORIALS.mkdir(exist_ok=True)
    for notebook in sorted((HERE.parent / "notebooks").glob("*.ipynb")):
        shutil.copy(notebook, TUTORIALS / notebook.name)


def list_public_names(package: str) -> str:
    """Return autodoc directives for what a package exports, functions before result classes."""
    module = importlib.import_module(f"cte_metrics.{package}")
    public = [(name, getattr(module, name)) for name in module.__all__]
    functions = [f".. autofunction:: {n}" for n, v in public if not inspect.isclass(v)]
    classes = [f".. autoclass:: {n}\n   :members:" for n, v in public if inspect.isclass(v)]
    return "\n\n".join([f".. currentmodule:: cte_metrics.{package}", *functions, *classes, ""])


def write_reference() -> None:
    """Write one list a package; ``reference/<package>.md`` includes it."""
    GENERATED.mkdir(exist_ok=True)
    for package in PACKAGES:
        if importlib.util.find_spec(f"cte_metrics.{package}") is not None:
            (GENERATED / f"{package}.txt").write_text(list_public_names(package))


def write_schemas() -> None:
    """Write the JSON Schema of every class of results, and a list of them for ``json.md``."""
    folder = GENERATED / "schemas"
    folder.mkdir(parents=True, exist_ok=True)
    kinds = result_classes()
    for name, kind in kinds.items():
        text = json.dumps(schema(kind, result_class), indent=2)
        (folder / f"{name}.json").write_text(text + "\n")
    lines = [f"- :download:`{name} <generated/schemas/{name}.json>`" for name in sorted(kinds)]
    (GENERATED / "schemas.txt").write_text("\n".join(lines) + "\n")


def write_pipeline() -> None:
    """Write the page of the containers that travel between the rooms."""
    (GENERATED / "pipeline.txt").write_text(pipeline.page())


def write_problems() -> None:
    """Write the table of problems that the tests name."""
    (GENERATED / "problems.txt").write_text(problems.page(HERE.parent / "tests"))


def hide_result_signature(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: Any, returns: Any
) -> tuple[str, str] | None:
    """Leave out the signature of a result class: users receive results, they do not make them."""
    if what == "class" and issubclass(obj, Result):
        return "", ""
    return None


def write_mathml(self: Any, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML, which browsers read without a script from elsewhere."""
    block = isinstance(node, nodes.math_block)
    self.body.append(tex2mathml(node.astext(), as_block=block))
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Connect the hooks to Sphinx."""
    app.connect("autodoc-process-signature", hide_result_signature)
    app.add_html_math_renderer("mathml", (write_mathml, None), (write_mathml, None))


copy_notebooks()
write_reference()
write_schemas()
write_pipeline()
write_problems()

project = "cte_metrics"
author = "The cte_metrics founders"
release = cte_metrics.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build", "reference/generated", "**.ipynb_checkpoints"]
html_theme = "pydata_sphinx_theme"
html_title = "cte_metrics"
html_theme_options = {
    "navbar_center": [],
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_end": [],
}
html_sidebars = {"**": ["globaltoc.html"]}
html_static_path = ["static"]
html_css_files = ["site.css"]
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
html_math_renderer = "mathml"
