"""The report of a demo session, from the command to the browser, on real servers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from console.recording import Recording
from console.report import render
from tests.cli.command import run
from tests.report.pages import Show, ink
from tests.servers.fixtures import Servers


@pytest.mark.slow
def test_the_report_of_a_demo_session(show: Show, servers: Servers) -> None:
    servers.rest()
    with tempfile.TemporaryDirectory(prefix="cc-report-") as folder:
        recording = Path(folder) / "r.jsonl"
        demo = ("demo", "--headless", "--advance", "auto", "--rows", "20000", "--recording", recording)
        done = run(*demo, home=Path(folder) / "home", TMPDIR=folder)
        assert done.returncode == 0, done.stderr
        page = show(Recording.open(recording))
        assert page.locator(".outcome").inner_text() == "✓ completed"
        for name in ("rate", "lag", "queue", "latency"):
            assert ink(page, name) >= 3, name
        assert "ACCESS EXCLUSIVE on public.orders" in page.locator("#statements").inner_text()
        rows = page.locator("#plan tbody tr")
        assert rows.count() == 10
        assert page.locator("#plan .verdict.no").count() == 0
        written = run("report", recording, "--format", "html", home=Path(folder) / "home")
        assert written.stdout == render(Recording.open(recording), "html")
