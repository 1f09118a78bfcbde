"""A screen as a picture: Textual's SVG, and a PNG made of it.

librsvg knows no `textLength`, so each word gets its own place on the grid of cells; Fira Code at 20.3333 px fills
a cell of 12.2 by 24.4 exactly, and DejaVu Sans Mono has what Fira Code lacks (braille).
"""

import html
import re
import shutil
import subprocess
from pathlib import Path

from rich.cells import cell_len

CELL = 12.2
TEXT = re.compile(
    r'<text class="([^"]*)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+" clip-path="([^"]*)">(.*?)</text>',
    re.DOTALL,
)
FONTS = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


def split(found: re.Match[str]) -> str:
    """A run of text as one `<text>` for each word and for each character outside ASCII."""
    style, left, y, clip, body = found.groups()
    body = html.unescape(body).replace("\xa0", " ")
    out, cell = [], 0
    for token in re.findall(r"[A-Za-z0-9]{1,8}|\s|[^\s]", body):
        if token.strip():
            x = float(left) + cell * CELL
            out.append(
                f'<text class="{style}" x="{x:.2f}" y="{y}" clip-path="{clip}">{html.escape(token)}</text>'
            )
        cell += cell_len(token)
    return "".join(out)


def portable(svg: str) -> str:
    """An SVG that looks the same in a browser and in librsvg, and fetches nothing from anywhere."""
    svg = FONTS.sub("", svg)
    svg = svg.replace("font-size: 20px", "font-size: 20.3333px")
    svg = svg.replace("Fira Code, monospace", "'Fira Code', 'DejaVu Sans Mono', monospace")
    svg = re.sub(r"terminal-\d+-", "terminal-", svg)
    return TEXT.sub(split, svg)


def write(svg: str, path: Path) -> list[Path]:
    """The SVG, and the PNG beside it where `rsvg-convert` is there."""
    path.parent.mkdir(exist_ok=True)
    svg = portable(svg)
    path.with_suffix(".svg").write_text(svg, encoding="utf-8")
    written = [path.with_suffix(".svg")]
    convert = shutil.which("rsvg-convert")
    if convert:
        target = path.with_suffix(".png")
        subprocess.run([convert, "-o", str(target)], input=svg.encode(), check=True)
        written.append(target)
    return written
