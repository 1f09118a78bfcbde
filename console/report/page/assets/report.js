// Draws the charts of a report, and lets a reader zoom in time. Fetches nothing; all it shows stands in #data.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  // From here on all times are on the wall clock, where that is known, so that the axis has round numbers.
  const zero = data.zero === null ? 0 : data.zero;
  data.t = data.t.map((t) => t + zero);
  data.marks.forEach((mark) => { mark.t += zero; });
  data.stops.concat(data.phases).forEach((span) => { span.begins += zero; span.ends += zero; });
  const from = data.t[0];
  const to = data.t.length > 1 ? data.t[data.t.length - 1] : from + 1;
  // A curve is told from another by its dashes as well as by its colour.
  const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
  // Pixels between the margins of A4 and of letter paper; the page is laid out for it only after the charts are drawn.
  const PAPER = 660;
  let shown = [from, to];
  let charts = [];
  let drawing = false;

  const two = (number) => String(number).padStart(2, "0");
  function clock(t) {
    if (data.zero === null) {
      const seconds = Math.max(0, Math.round(t));
      return two(Math.floor(seconds / 3600)) + ":" + two(Math.floor(seconds / 60) % 60) + ":" + two(seconds % 60);
    }
    return new Date(Math.round(t) * 1000).toISOString().slice(11, 19);
  }
  function figure(value) {
    if (value === null || value === undefined) return "–";
    if (Math.abs(value) >= 100 || value === Math.round(value)) return Math.round(value).toLocaleString("en");
    return Number(value.toPrecision(2)).toString();
  }
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function hatch(u, begins, ends) {
    const box = u.bbox;
    const left = Math.max(box.left, u.valToPos(begins, "x", true));
    const right = Math.min(box.left + box.width, Math.max(u.valToPos(ends, "x", true), left + 2));
    if (right <= box.left || left >= box.left + box.width) return;
    const pen = u.ctx;
    pen.save();
    pen.beginPath();
    pen.rect(left, box.top, right - left, box.height);
    pen.clip();
    pen.strokeStyle = colour("--no");
    pen.globalAlpha = 0.45;
    pen.lineWidth = devicePixelRatio;
    const step = 8 * devicePixelRatio;
    for (let x = left - box.height; x < right; x += step) {
      pen.beginPath();
      pen.moveTo(x, box.top + box.height);
      pen.lineTo(x + box.height, box.top);
      pen.stroke();
    }
    pen.restore();
  }
  function marks(u) {
    const pen = u.ctx, box = u.bbox;
    pen.save();
    pen.strokeStyle = colour("--quiet");
    pen.fillStyle = colour("--text");
    pen.lineWidth = devicePixelRatio;
    pen.font = 11 * devicePixelRatio + "px sans-serif";
    pen.textAlign = "center";
    let last = -Infinity;
    for (const mark of data.marks) {
      const x = u.valToPos(mark.t, "x", true);
      if (x < box.left || x > box.left + box.width) continue;
      pen.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
      pen.beginPath();
      pen.moveTo(x, box.top);
      pen.lineTo(x, box.top + box.height);
      pen.stroke();
      // Where marks stand close together, the first one has its number; zooming shows the others'.
      if (x - last < 14 * devicePixelRatio) continue;
      pen.fillText(mark.name, x, box.top - 4 * devicePixelRatio);
      last = x;
    }
    pen.restore();
  }

  function options(chart, width) {
    const limit = chart.limit;
    // The legend's box is drawn as its curve is.
    const borders = [""].concat(chart.lines.map((line, number) => ["solid", "dashed", "dotted", "double"][
      (number + Math.floor(number / 4)) % 4]), ["dashed"]);
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1 } };
    const series = [{ label: "time", value: (u, t) => (t === null || t === undefined ? "–" : clock(t)) }];
    chart.lines.forEach((line, number) => series.push({
      label: line.name, stroke: colour("--curve-" + (number % 4 + 1)), width: 2,
      dash: DASHES[(number + Math.floor(number / 4)) % 4], points: { show: line.points, size: 9 },
      value: (u, value) => (value === null || value === undefined ? "–" : figure(value) + " " + chart.unit),
    }));
    if (limit) series.push({ label: limit.name, stroke: colour("--text"), width: 1, dash: [12, 4],
      points: { show: false }, value: () => "" });
    return {
      width: width, height: 200, padding: [18, 8, 0, 0], series: series, legend: { live: true, markers: { width: 2, dash: (u, number) => borders[number] || "solid" } },
      cursor: { sync: { key: "report" }, drag: { x: true, y: false, setScale: true } },
      scales: {
        x: { time: false, min: shown[0], max: shown[1] },
        y: { range: (u, low, high) => [0, Math.max(chart.least, (high || 0) * 1.05, limit ? limit.value * 1.1 : 0)] },
      },
      axes: [
        Object.assign({ values: (u, splits) => splits.map(clock), space: 80, incrs: INCREMENTS }, axis),
        Object.assign({ values: (u, splits) => splits.map(figure), size: 70 }, axis),
      ],
      hooks: {
        drawClear: [(u) => data.stops.forEach((stop) => hatch(u, stop.begins, stop.ends))],
        draw: [marks],
        setScale: [(u, key) => { if (key === "x" && !drawing) show(u.scales.x.min, u.scales.x.max); }],
      },
    };
  }
  const INCREMENTS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

  function columns(chart) {
    const out = [data.t].concat(chart.lines.map((line) => line.values));
    if (chart.limit) out.push(data.t.map(() => chart.limit.value));
    return out;
  }
  function draw() {
    drawing = true;
    charts.forEach((chart) => chart.destroy());
    charts = data.charts.map((chart) => {
      const place = document.getElementById("chart-" + chart.id);
      const wide = root.classList.contains("paper") ? Math.min(PAPER, place.clientWidth) : place.clientWidth;
      return new uPlot(options(chart, wide), columns(chart), place);
    });
    // uPlot sets its scales after the current task.
    queueMicrotask(() => queueMicrotask(() => { drawing = false; }));
    tell();
  }
  function show(begins, ends) {
    const least = 1;
    if (!(ends > begins)) return;
    if (ends - begins < least) { const middle = (begins + ends) / 2; begins = middle - least / 2; ends = middle + least / 2; }
    begins = Math.max(from, begins);
    ends = Math.min(to, ends);
    if (begins === shown[0] && ends === shown[1]) return;
    shown = [begins, ends];
    drawing = true;
    charts.forEach((chart) => chart.setScale("x", { min: begins, max: ends }));
    queueMicrotask(() => queueMicrotask(() => { drawing = false; }));
    tell();
  }
  function tell() {
    document.getElementById("range").textContent = clock(shown[0]) + " to " + clock(shown[1]);
    root.dataset.shown = shown.map((t) => (t - zero).toFixed(3)).join(" ");
  }

  function zoom(name) {
    const wide = shown[1] - shown[0], middle = (shown[0] + shown[1]) / 2;
    if (name === "in") show(middle - wide / 4, middle + wide / 4);
    if (name === "out") show(middle - wide, middle + wide);
    if (name === "back") show(Math.max(from, shown[0] - wide / 2), Math.max(from + wide, shown[1] - wide / 2));
    if (name === "on") show(Math.min(to - wide, shown[0] + wide / 2), Math.min(to, shown[1] + wide / 2));
    if (name === "whole") show(from, to);
  }
  document.querySelectorAll("[data-zoom]").forEach((button) =>
    button.addEventListener("click", () => zoom(button.dataset.zoom)));
  const phases = document.getElementById("phases");
  if (phases) data.phases.forEach((phase, number) => phases.add(new Option(phase.name, number)));
  if (phases) phases.addEventListener("change", () => {
    const phase = data.phases[phases.value];
    if (!phase) { show(from, to); return; }
    const room = Math.max(0.5, (phase.ends - phase.begins) * 0.05);
    show(phase.begins - room, phase.ends + room);
  });

  root.classList.add("scripted");
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  function paper(on) {
    if (root.classList.contains("paper") === on) return;
    root.classList.toggle("paper", on);
    draw();
  }
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));
  matchMedia("print").addEventListener("change", (event) => paper(event.matches));
  let width = document.querySelector("main").clientWidth;
  addEventListener("resize", () => {
    const now = document.querySelector("main").clientWidth;
    if (now !== width) { width = now; draw(); }
  });
  root.dataset.charts = String(charts.length);
})();
