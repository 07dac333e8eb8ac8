# ruff: noqa: INP001 - Sphinx reads this file by its path
"""How the documentation is built: ``make docs``."""

project = "Oneiric Core"
author = "The Oneiric developers"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_extra_path = ["reference/manifest.schema.json", "reference/report.schema.json"]
html_theme = "furo"
html_title = project
