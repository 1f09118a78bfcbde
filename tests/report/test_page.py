"""The page as text: what it holds, that nothing can break out of it, how large it gets."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from console import events
from console.recording import Recording
from console.report import render
from console.report.page.build import ASSETS, asset
from console.report.thinned import GAP, thinned
from tests.recording.streams import header, sample, typical
from tests.report.story import action, story

Recorded = Callable[[list[events.Event]], Recording]
EVIL = "</script><script>window.hit=1</script><img src=x onerror='window.hit=1'>\x1b[31m\u202e &amp; \"'"


class Outline(HTMLParser):
    """The tags of a page in order, its text, and the policy that it states."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.bodies: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._inside = tag
        if tag in self.bodies:
            self.bodies[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.bodies:
            self.bodies[self._inside][-1] += data
        else:
            self.text += data


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    return found


def hostile() -> list[events.Event]:
    """The story, with markup wherever text comes from outside."""
    stream = story()
    evil = events.ServerSession(pid=7, user=EVIL, application=EVIL, query=EVIL)
    told = [
        replace(event, sql=f"SELECT '{EVIL}'", lock=EVIL)
        if isinstance(event, events.StatementBegan)
        else replace(event, holders=(evil,), text=EVIL)
        if isinstance(event, events.StatementEnded)
        else replace(event, title=EVIL, host=EVIL, owner=EVIL, change_file=EVIL, window=EVIL)
        if isinstance(event, events.Header)
        else replace(event, reasons=(events.Reason(name=EVIL, reading=EVIL, limit=EVIL),))
        if isinstance(event, events.Throttled) and event.reasons
        else replace(event, replicas=(events.Replica(name=EVIL, state="streaming", lag=1.0),))
        if isinstance(event, events.Sample)
        else replace(event, keys=(EVIL,), text=EVIL)
        if isinstance(event, events.KeysListed)
        else event
        for event in stream
    ]
    end = told[-1]
    asked = replace(
        action("e", EVIL, "refused", EVIL, events.Owner(name=EVIL, claims=EVIL)), t=end.t, s=end.s
    )
    return [*told[:-1], asked, replace(end, s=end.s + 1, text=EVIL)]


def test_the_page_holds_what_a_reviewer_asks_for(recorded: Recorded) -> None:
    page = outline(render(recorded(story()), "html"))
    for said in (
        "public.orders.placed_on",
        "completed",
        "the change is complete",
        "replicas was passed against its evidence by bo|<b>, because: db3 is being rebuilt.",
        "See to what replicas was passed against (visible on every replica: db3: no).",
        "Fill by hand the 1 row that the backfill left out, listed below.",
        "ACCESS EXCLUSIVE",
        "4 sessions, 1.0 s at most",
        "does not hold",
        "4,999 rows compared, 0 differences.",
        "db2 was at most 3.2 s behind; db3 was never read; the limit is 2.0 s.",
    ):
        assert said in page.text, said
    headings = re.findall(r"<h2>(.*?)</h2>", render(recorded(story()), "html"))
    assert headings == [
        "Left to do",
        "Where it left the plan",
        "Timeline",
        "When the throttle stopped the backfill",
        "The plan as carried out",
        "Actions of operators",
        "Statements",
        "Verification",
        "Preflight",
        "Is it what was written?",
        "SQL as it was sent",
    ]


def test_text_from_outside_stays_text(recorded: Recorded) -> None:
    plain, evil = (outline(render(recorded(stream), "html")) for stream in (story(), hostile()))
    assert set(evil.tags) == set(plain.tags), "no element that the page does not make itself"
    assert evil.tags.count("script") == plain.tags.count("script") == 3
    assert "img" not in evil.tags
    assert not any(name.startswith("on") or name == "style" for _, name, _ in evil.attributes)
    assert "</script><script>window.hit=1</script>" in evil.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", render(recorded(hostile()), "html"))


def test_the_policy_names_exactly_what_runs(recorded: Recorded) -> None:
    page = outline(render(recorded(story()), "html"))
    (policy,) = (
        value
        for tag, name, value in page.attributes
        if tag == "meta" and name == "content" and "default-src" in (value or "")
    )
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    data, *scripts = page.bodies["script"]
    for kind, texts in (("script-src", scripts), ("style-src", page.bodies["style"])):
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert rules[kind].split() == [f"'sha256-{value}'" for value in hashes]
    assert data.startswith("{")
    assert set(rules) == {"default-src", "base-uri", "form-action", "script-src", "style-src"}


def test_nothing_points_outside(recorded: Recorded) -> None:
    page = outline(render(recorded(story()), "html"))
    assert not {name for _, name, _ in page.attributes} & {"src", "href", "srcset", "action", "data"}
    assert not any(re.search(r"url\(|@import", style) for style in page.bodies["style"])


def test_the_chart_library_is_the_one_that_is_written_down() -> None:
    (version,) = re.findall(r"\(v([\d.]+)\)", asset("uplot.min.js").splitlines()[0])
    decision = Path(__file__).parents[2] / "docs/decisions/0011-the-report-is-one-page-that-asks-nobody.md"
    assert f"uPlot](https://github.com/leeoniya/uPlot) {version} (MIT)" in decision.read_text()
    assert asset("uplot.LICENSE").startswith("The MIT License")
    for name in ("uplot.min.js", "report.js", "uplot.min.css", "report.css"):
        assert not re.search(r"</(script|style)", (ASSETS / name).read_text(), re.IGNORECASE)


def test_without_a_reading_there_is_no_script(recorded: Recorded) -> None:
    stream = [event for event in story() if not isinstance(event, events.Sample)]
    page = outline(render(recorded(stream), "html"))
    assert "script" not in page.tags
    assert "No reading was recorded." in page.text


@pytest.mark.slow
def test_a_long_night_is_thinned_and_keeps_its_peaks(recorded: Recorded) -> None:
    stream = list(typical(6000))
    worst = next(n for n, event in enumerate(stream) if isinstance(event, events.Sample) and event.t > 3000)
    peak = replace(
        stream[worst],
        replicas=(events.Replica(name="db2", state="streaming", lag=77.0),),
        p99_ms=4321.0,
        waiting=55,
    )
    recording = recorded([*stream[:worst], peak, *stream[worst + 1 :]])
    read = thinned(recording)
    assert 1_000 < len(read.t) <= 2_001
    assert list(read.t) == sorted(set(read.t))
    assert max(value for value in read.lags["db2"] if value is not None) == 77.0
    assert max(value for value in read.p99_ms if value is not None) == 4321.0
    assert max(value for value in read.waiting if value is not None) == 55
    columns = (read.rows_per_second, read.waiting, read.behind_us, read.p50_ms, *read.lags.values())
    assert {len(column) for column in columns} == {len(read.t)}
    page = render(recording, "html")
    assert len(page.encode()) < 500_000
    assert "shows the worst of it" in page


def test_a_time_without_readings_is_a_gap(recorded: Recorded) -> None:
    first = [sample(float(t), 2 + t, Random(t)) for t in range(3)]
    later = [sample(2.0 + GAP + t, 5 + t, Random(t)) for t in range(1, 3)]
    read = thinned(recorded([header(), *first, *later]))
    assert [value is None for value in read.rows_per_second] == [False, False, False, True, False, False]
