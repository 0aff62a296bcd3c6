"""What stands in the script elements of the page: the plotting library, and the numbers."""

import json
from typing import Any


def bokeh_scripts() -> str:
    """The script elements of the plotting library, whole."""
    from bokeh.resources import Resources

    scripts: str = Resources(mode="inline", components=["bokeh"], log_level="warn").render_js()
    return scripts


def data_script(data: Any) -> str:
    """The numbers as JSON that cannot end the element it stands in."""
    # Inside a script element only "<" can do harm: it could end the element or open a comment.
    return json.dumps(data, allow_nan=False, separators=(",", ":"), default=str).replace("<", "\\u003c")
