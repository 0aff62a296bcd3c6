"use strict";
// The page's own behaviour: sorting and filtering the table, the step slider, curves drawn when a run is unfolded.
// Every picture is drawn by Bokeh; here only its data changes.
const page = JSON.parse(document.getElementById("data").textContent);

// ---- the table
const body = document.querySelector("#comparison tbody");
const rows = [...body.rows];
const headers = [...document.querySelectorAll("#comparison th[aria-sort]")];

function sortBy(header) {
  const column = header.cellIndex;
  const order = header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  headers.forEach((other) => other.setAttribute("aria-sort", other === header ? order : "none"));
  const value = (row) => row.cells[column].dataset.sort;
  const numbers = rows.every((row) => value(row) === "" || !Number.isNaN(Number(value(row))));
  const compare = (a, b) => {
    if (value(a) === "" || value(b) === "") return (value(a) === "") - (value(b) === ""); // unmeasured: always last
    const difference = numbers ? Number(value(a)) - Number(value(b)) : value(a).localeCompare(value(b), "en", { numeric: true });
    return order === "ascending" ? difference : -difference;
  };
  body.append(...rows.slice().sort(compare));
}
headers.forEach((header) => header.querySelector("button").addEventListener("click", () => sortBy(header)));

const filter = document.getElementById("filter");
function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const texts = [...row.cells].map((cell) => cell.textContent.trim().toLowerCase());
    // A number must be a whole cell: 2 is not 20.
    const fits = (word) => texts.some((text) => (Number.isNaN(Number(word)) ? text.includes(word) : text === word));
    row.hidden = !words.every(fits);
  }
  document.getElementById("shown").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  chosenChanged();
}

// ---- which rows are in the gradient view: ticked, and not hidden by the filter
const box = (row) => row.querySelector("input");
let redraw = () => {};
function chosenChanged() {
  document.getElementById("ticked").textContent = `${rows.filter((row) => box(row).checked).length} of ${rows.length} rows ticked`;
  redraw();
}
function tickShown(checked) {
  rows.filter((row) => !row.hidden).forEach((row) => (box(row).checked = checked));
  chosenChanged();
}
document.getElementById("tick-all").addEventListener("click", () => tickShown(true));
document.getElementById("tick-none").addEventListener("click", () => tickShown(false));
rows.forEach((row) => box(row).addEventListener("change", chosenChanged));
filter.addEventListener("input", applyFilter);
document.querySelectorAll("#verdicts button").forEach((button) =>
  button.addEventListener("click", () => {
    filter.value = button.dataset.words;
    applyFilter();
  }),
);
applyFilter();

// ---- a hint where the table is wider than its place
const scroller = document.querySelector(".scroll");
const hint = document.querySelector(".hint");
function tellWidth() {
  const rest = scroller.scrollWidth - scroller.clientWidth - scroller.scrollLeft;
  hint.hidden = scroller.scrollWidth <= scroller.clientWidth + 1;
  scroller.classList.toggle("more", rest > 1);
}
scroller.addEventListener("scroll", tellWidth);
new ResizeObserver(tellWidth).observe(scroller);

// ---- Bokeh
let places = 0;
async function embed(item, target) {
  target.id ||= `plot-${places++}`;
  const views = await Bokeh.embed.embed_item({ ...structuredClone(item), target_id: target.id });
  return (Array.isArray(views) ? views[0] : [...views.roots][0]).model.document;
}

// ---- the slider
function lastAtOrBefore(steps, step) {
  let found = -1;
  while (found + 1 < steps.length && steps[found + 1] <= step) found += 1;
  return found;
}

async function startSignal() {
  const { steps, runs } = page.signal;
  const place = document.getElementById("signal-figures");
  const panels = [];
  for (const item of page.signalFigures) panels.push(await embed(item, place.appendChild(document.createElement("div"))));
  // As they are before anybody zooms.
  const edges = panels.map((panel) => panel.get_model_by_name("gradient").y_range).map(({ start, end }) => [start, end]);
  const slider = document.getElementById("step");
  slider.max = String(steps.length - 1);

  function update() {
    const step = steps[Number(slider.value)];
    const ticked = new Set(rows.filter((row) => box(row).checked && !row.hidden).map((row) => Number(row.dataset.group)));
    const seen = new Set(); // a recurrent network of several layers has two lines
    let least = Infinity;
    const drawn = panels.map(() => ({
      lines: { xs: [], ys: [], colour: [], dash: [], name: [] },
      zeros: { x: [], y: [], colour: [] },
      broken: { x: [], y: [], colour: [] },
    }));
    for (const run of runs) {
      const { lines, zeros, broken } = drawn[run.panel];
      const at = lastAtOrBefore(run.steps, step);
      if (!ticked.has(run.group) || at < 0) continue;
      const values = run.gradient[at];
      seen.add(`${run.group} ${run.seed}`);
      least = Math.min(least, ...values.filter((value) => value > 0));
      lines.xs.push(run.x);
      lines.ys.push(values.map((value) => (value > 0 ? value : NaN)));
      lines.colour.push(run.colour);
      lines.dash.push(run.dash);
      lines.name.push(`${page.groups[run.group]}, seed ${run.seed}, step ${run.steps[at]}`);
      values.forEach((value, i) => {
        if (value > 0) return;
        const mark = value === 0 ? zeros : broken;
        mark.x.push(run.x[i]);
        mark.y.push(edges[run.panel][value === 0 ? 0 : 1]);
        mark.colour.push(run.colour);
      });
    }
    panels.forEach((panel, i) => {
      for (const [name, data] of Object.entries(drawn[i])) panel.get_model_by_name(name).data = data;
    });
    document.getElementById("step-now").textContent = String(step);
    slider.setAttribute("aria-valuetext", `step ${step}`);
    document.getElementById("signal-words").textContent =
      `${seen.size} run${seen.size === 1 ? "" : "s"} at step ${step}` + (Number.isFinite(least) ? `; smallest gradient ${least.toExponential(1)}` : "");
  }
  slider.addEventListener("input", update);
  redraw = update;

  const play = document.getElementById("play");
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  };
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) slider.value = "0";
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(() => {
      slider.value = String(Number(slider.value) + 1);
      update();
      if (slider.value === slider.max) stop();
    }, 120);
  });
  update();
}
if (page.signal.runs.length) startSignal();

// ---- the runs
function spread(range, values, log) {
  // All values in sight with a margin; on a log axis at least a decade around 1, where a healthy gradient is.
  const seen = log ? [...values, 0.3, 3].map(Math.log10) : values;
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  const margin = 0.05 * (high - low) || 0.5;
  [range.start, range.end] = [low - margin, high + margin].map((value) => (log ? 10 ** value : value));
}

document.querySelectorAll("details.run").forEach((run) => {
  const draw = async () => {
    const curves = page.curves[Number(run.dataset.run)];
    for (const [name, { item, log }] of Object.entries(page.curveFigures)) {
      const curve = curves[name];
      if (!curve || !curve.y.some((value) => value !== null)) continue;
      const place = run.querySelector(".curves").appendChild(document.createElement("div"));
      const drawn = await embed(item, place);
      const plot = drawn.get_model_by_name("plot");
      const values = curve.y.filter((value) => value !== null && (!log || value > 0));
      spread(plot.x_range, curve.x, false);
      spread(plot.y_range, values, log);
      drawn.get_model_by_name("curve").data = { x: curve.x, y: curve.y.map((value) => value ?? NaN) };
    }
  };
  run.addEventListener("toggle", draw, { once: true });
});
