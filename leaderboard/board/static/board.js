// The board's behaviour: tables, charts, pictures. Texts enter the page as text, never as HTML.
(function () {
  "use strict";
  const root = document.documentElement, byId = (id) => document.getElementById(id);
  const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7f6bd1", "#8c6d31", "#e05a7a", "#5f9e1c"];
  const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "cross", "x", "star", "pentagon"];
  const number = (x) => x.toFixed(3);
  // plotly reads some HTML in its texts
  const text = (s) => String(s).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  // theme ----------------------------------------------------------------------------------------------
  let redraw = () => {};
  function theme(dark) { root.classList.toggle("dark", dark); root.style.colorScheme = dark ? "dark" : "light"; redraw(); }
  let stored = null;
  try { stored = localStorage.getItem("cbench-theme"); } catch (_) { /* a browser may refuse files a storage */ }
  theme(stored ? stored === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  byId("theme").addEventListener("click", () => {
    const dark = !root.classList.contains("dark");
    try { localStorage.setItem("cbench-theme", dark ? "dark" : "light"); } catch (_) { /* as above */ }
    theme(dark);
  });

  // tables ---------------------------------------------------------------------------------------------
  const COLUMN = { suite: 1, metric: 2, regime: 3, family: 4 };
  document.querySelectorAll("table.results").forEach((table) => {
    const view = new DataTable(table, { paging: false, order: [], language: { search: "Search", info: "_TOTAL_ rows", infoFiltered: "of _MAX_", infoEmpty: "no rows", zeroRecords: "No row fits the filters." } });
    document.querySelectorAll("select[data-filter]").forEach((select) => select.addEventListener("change", () =>
      view.column(COLUMN[select.dataset.filter]).search(select.value ? (cell) => cell === select.value : "").draw()));
  });
  const payload = byId("payload") && JSON.parse(byId("payload").textContent);
  if (!payload) return;

  // charts ---------------------------------------------------------------------------------------------
  const options = (select, values) => select.replaceChildren(...values.map((v) => new Option(v, v)));
  const value = (id) => byId(id).value;
  function layout(more) {
    const style = getComputedStyle(root), ink = style.getPropertyValue("--ink").trim(), line = style.getPropertyValue("--line").trim();
    const axis = (own) => Object.assign({ gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true }, own);
    return Object.assign({ paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink }, margin: { l: 60, r: 20, t: 20, b: 50 }, legend: { orientation: "h", y: -0.2 } }, more, { xaxis: axis(more.xaxis), yaxis: axis(more.yaxis) });
  }
  const plot = (id, traces, more) => Plotly.react(id, traces, layout(more), { responsive: true, displayModeBar: false });
  const bars = (pair, middle) => pair ? { type: "data", symmetric: false, array: [pair[1] - middle], arrayminus: [middle - pair[0]], thickness: 1 } : undefined;

  function tradeoff() {
    const data = payload.tradeoff[value("metric")], labels = Object.keys(data.points);
    const front = { x: data.front.map((l) => data.points[l].x), y: data.front.map((l) => data.points[l].y), mode: "lines", name: "Pareto front", line: { color: "#888", width: 2 }, hoverinfo: "skip" };
    const points = labels.map((label, k) => {
      const p = data.points[label], colour = COLOURS[k % COLOURS.length];
      return { x: [p.x], y: [p.y], error_x: bars(p.x_interval, p.x), error_y: bars(p.y_interval, p.y), mode: "markers", name: text(label), marker: { size: 11, color: colour, symbol: SYMBOLS[(k + Math.floor(k / COLOURS.length)) % SYMBOLS.length] } };
    });
    const lines = [[data.floor, "base model", "dash"], [data.ceiling, "real images", "dot"]].filter((l) => l[0] !== null && l[0] !== undefined);
    const shapes = lines.map(([y, , dash]) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { dash, color: "#888", width: 1.5 } }));
    const annotations = lines.map(([y, name]) => ({ xref: "paper", x: 1, y, xanchor: "right", yanchor: "bottom", showarrow: false, text: name }));
    // a shape does not widen the axis: an invisible point does
    const reach = { x: lines.map(() => points.length ? points[0].x[0] : 0), y: lines.map((l) => l[0]), mode: "markers", marker: { opacity: 0 }, showlegend: false, hoverinfo: "skip" };
    plot("tradeoff", [front, ...points, reach], { shapes, annotations, height: 480 + 14 * labels.length, xaxis: { title: { text: "average forgetting (lower is better)" } }, yaxis: { title: { text: "average score (" + data.better + " is better)" } } });
  }
  const one = () => payload.matrices[value("metric")][value("method")][value("order")];
  function curves() {
    const run = one();
    const traces = run.tasks.map((task, j) => ({
      x: run.rows.map((_, i) => i + 1).slice(j), y: run.rows.slice(j).map((row) => row[j]), name: text((j + 1) + " " + task), mode: "lines+markers",
      line: { color: COLOURS[j % COLOURS.length], dash: j < COLOURS.length ? "solid" : "dash" }, marker: { symbol: SYMBOLS[j % SYMBOLS.length], size: 7 } }));
    plot("curves", traces, { height: 480, xaxis: { title: { text: "tasks learned" }, tickvals: run.rows.map((_, i) => i + 1) }, yaxis: { title: { text: "score on the task (" + payload.tradeoff[value("metric")].better + " is better)" } } });
  }
  function matrix() {
    const run = one(), z = [run.base, ...run.rows].map((row) => run.tasks.map((_, j) => j < row.length ? row[j] : null));
    const size = 54, n = run.tasks.length;
    byId("matrix").style.minWidth = size * n + 200 + "px";
    const rows = ["(base model)", ...run.tasks.map((t, i) => (i + 1) + " " + t)], columns = run.tasks.map((t, j) => (j + 1) + " " + t);
    plot("matrix", [{ type: "heatmap", z, x: columns.map((_, j) => j), y: rows.map((_, i) => i), colorscale: "Cividis", reversescale: payload.tradeoff[value("metric")].better === "lower", hoverongaps: false,
      text: z.map((row) => row.map((v) => v === null ? "" : number(v))), texttemplate: "%{text}", hovertemplate: "%{text}<extra></extra>" }],
      { height: 34 * (n + 1) + 150, margin: { l: 130, r: 10, t: 20, b: 90 }, xaxis: { title: { text: "task scored" }, tickvals: columns.map((_, j) => j), ticktext: columns.map(text), tickangle: -40, showgrid: false, zeroline: false }, yaxis: { autorange: "reversed", tickvals: rows.map((_, i) => i), ticktext: rows.map(text), showgrid: false, zeroline: false } });
  }
  function pairs() {
    const pictures = payload.pictures;
    if (pictures.missing !== undefined) return;
    byId("pairs").replaceChildren(...pictures.tasks.map((task) => {
      const part = document.createElement("section"), head = document.createElement("h3"), row = document.createElement("div");
      head.textContent = task; row.className = "pair";
      for (const label of [value("left"), value("right")]) for (const [moment, words] of [["after", "after the task"], ["end", "at the end"]]) {
        const picture = pictures.methods[label][task][moment], figure = document.createElement("figure"), image = document.createElement("img"), caption = document.createElement("figcaption");
        const cell = picture.scores[value("metric")];
        image.src = "../" + picture.file; image.loading = "lazy"; image.alt = task + ", " + label + ", " + words;
        caption.textContent = label + ", " + words + (cell ? ": " + number(cell.score) + (cell.own ? "" : " (mean of the cell's pictures)") : "");
        figure.append(image, caption); row.append(figure);
      }
      part.append(head, row); return part;
    }));
  }
  function orders() { options(byId("order"), Object.keys(payload.matrices[value("metric")][value("method")])); }
  function methods() {
    const kept = value("method"), labels = Object.keys(payload.matrices[value("metric")]);
    options(byId("method"), labels);
    byId("method").value = labels.includes(kept) ? kept : labels.find((l) => l !== "base") || labels[0];
    orders();
  }
  redraw = () => { tradeoff(); if (value("method")) { curves(); matrix(); } pairs(); };
  methods();
  if (payload.pictures.missing === undefined) {
    const labels = Object.keys(payload.pictures.methods);
    options(byId("left"), labels); options(byId("right"), labels);
    byId("right").selectedIndex = labels.length > 1 ? 1 : 0;
    for (const id of ["left", "right"]) byId(id).addEventListener("change", pairs);
  }
  byId("metric").addEventListener("change", () => { methods(); redraw(); });
  byId("method").addEventListener("change", () => { orders(); redraw(); });
  byId("order").addEventListener("change", redraw);
  redraw();
})();
