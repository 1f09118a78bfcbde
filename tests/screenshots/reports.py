"""Pictures of the report, as a browser shows it: light, dark, and on a phone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from console.recording import Recording
from console.report import render
from tests.screenshots.shots import FOLDER
from tests.setup.browser import opened


@dataclass(frozen=True)
class Look:
    """One picture."""

    scheme: str
    width: int
    height: int
    above: str = ""
    """The element that stands at the top of the picture; empty: the page from its beginning."""
    phone: bool = False


LOOKS = {
    "report": Look("light", 1200, 1000),
    "report-charts": Look("dark", 1200, 1180, "#timeline"),
    "report-statements": Look("light", 1200, 900, "#actions"),
    "report-phone": Look("light", 390, 844, phone=True),
}


def take(name: str, recording: Recording, folder: Path = FOLDER) -> list[Path]:
    """Take the picture; the file written."""
    look = LOOKS[name]
    target = folder / f"{name}.png"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / "report.html"
        page.write_text(render(recording, "html"), encoding="utf-8")
        with opened() as browser:
            tab = browser.new_page(
                color_scheme="dark" if look.scheme == "dark" else "light",
                viewport={"width": look.width, "height": look.height},
                is_mobile=look.phone,
                has_touch=look.phone,
                device_scale_factor=2 if look.phone else 1,
            )
            tab.goto(page.as_uri())
            if look.above:
                tab.evaluate("name => document.querySelector(name).scrollIntoView()", look.above)
            tab.screenshot(path=target)
    return [target]
