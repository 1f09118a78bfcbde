"""The report as one HTML file that stands by itself: no network, no other file, no script but its own.

- `nodes` and `tables` make elements, and escape;
- `sections` and `lists` are what a reader reads, `timeline` the picture above the charts;
- `compared` is the page of two sessions side by side;
- `curves` is what the charts draw, as data and in words; `build` puts the page together;
- `assets/` holds the style, the script, and the chart library (`docs/decisions/0011`).
"""

from console.report.page.compared import compared_page
from console.report.page.sections import report_page

__all__ = ["compared_page", "report_page"]
