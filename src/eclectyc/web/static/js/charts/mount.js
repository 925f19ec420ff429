// Finds the charts of a page, draws them, keeps them in step with size and theme, and works their buttons.

import * as bars from "./bars.js";
import { palette } from "./colours.js";
import * as day from "./day.js";
import * as heat from "./heat.js";
import * as rows from "./rows.js";
import { asCsv, drawTable } from "./table.js";
import { Zoom } from "./zoom.js";

const KINDS = { bars, day, heat, rows };
const FEW = 5; // columns: nothing to zoom into
const mounted = new Map();

function save(name, content) {
  const anchor = document.createElement("a");
  anchor.href = typeof content === "string" && content.startsWith("data:") ? content : URL.createObjectURL(new Blob([content], { type: "text/csv;charset=utf-8" }));
  anchor.download = name;
  anchor.click();
  if (anchor.href.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}

function tools(figure, chart, kind, spec) {
  const canvas = figure.querySelector("[data-chart-canvas]");
  const rows = figure.querySelector("[data-chart-rows]");
  const title = figure.querySelector("h2, h3").textContent;
  figure.querySelector("[data-chart-table]").addEventListener("click", ({ currentTarget }) => {
    if (!rows.hasChildNodes()) rows.append(drawTable(kind.table(spec), title));
    const shown = rows.hidden;
    rows.hidden = !shown;
    canvas.hidden = shown;
    for (const keys of figure.querySelectorAll(".chart-keys")) keys.hidden = shown;
    currentTarget.setAttribute("aria-pressed", String(shown));
    if (!shown) chart.resize();
  });
  figure.querySelector("[data-chart-csv]").addEventListener("click", () => save(`${spec.file}.csv`, "\ufeff" + asCsv(kind.table(spec))));
  figure.querySelector("[data-chart-png]").addEventListener("click", () => {
    save(`${spec.file}.png`, chart.getDataURL({ pixelRatio: 2, backgroundColor: palette().surface }));
  });
}

function keys(canvas, chart, kind, spec, zoom) {
  let place = -1;
  const across = kind.stride?.(spec) ?? 1;
  const steps = { ArrowRight: across, ArrowLeft: -across, ...(kind.stride ? { ArrowDown: 1, ArrowUp: -1 } : {}) };
  const column = () => (place < 0 ? -1 : Math.floor(place / across));
  canvas.addEventListener("keydown", (event) => {
    if (zoom?.pressed(event, column())) return event.preventDefault();
    const last = kind.length(spec) - 1;
    if (event.key in steps) place = Math.min(last, Math.max(0, place < 0 ? 0 : place + steps[event.key]));
    else if (event.key === "Home") place = 0;
    else if (event.key === "End") place = last;
    else if (event.key === "Enter" && place >= 0 && kind.link(spec, place)) return follow(kind.link(spec, place));
    else if (event.key === "Escape") return chart.dispatchAction({ type: "hideTip" });
    else return;
    event.preventDefault();
    zoom?.reveal(column());
    show(chart, kind, spec, place);
    document.getElementById("announce").textContent = kind.say(spec, place);
  });
  canvas.addEventListener("blur", () => chart.dispatchAction({ type: "hideTip" }));
}

function show(chart, kind, spec, place) {
  const [x, y] = kind.point ? chart.convertToPixel({ seriesIndex: 0 }, kind.point(spec, place)) : [chart.convertToPixel({ xAxisIndex: 0 }, place), 40];
  chart.dispatchAction({ type: "showTip", x, y });
}

function follow(address) {
  const target = document.getElementById("day");
  if (target && window.htmx && new URL(address, location.href).pathname === location.pathname) {
    window.htmx.ajax("GET", address, { target: "#day", source: "#day", swap: "outerHTML show:none" }).then(() => {
      history.pushState({ htmx: true }, "", address);
      document.getElementById("day").scrollIntoView({ block: "start" });
    });
  } else {
    location.assign(address);
  }
}

function mount(figure) {
  const holder = document.getElementById(`${figure.dataset.chart}-data`);
  const canvas = figure.querySelector("[data-chart-canvas]");
  if (!holder || !canvas || mounted.has(canvas)) return;
  const spec = JSON.parse(holder.textContent);
  const kind = KINDS[spec.kind];
  const chart = window.echarts.init(canvas, null, { renderer: "canvas" });
  const zoom = kind.across?.(spec) > FEW ? new Zoom(figure, canvas, chart, kind, spec) : null;
  const shown = () => (zoom && !zoom.isWhole ? zoom.shown : null);
  const draw = () => chart.setOption(kind.option(spec, palette(), canvas.clientWidth, shown()), { notMerge: true });
  if (zoom) zoom.redraw = draw;
  draw();
  chart.on("click", ({ seriesType, data, dataIndex }) => {
    const address = kind.link(spec, seriesType === "heatmap" ? data[0] * spec.slots.length : dataIndex);
    if (address && !zoom?.dragged) follow(address);
  });
  const watch = new ResizeObserver(() => canvas.clientWidth && chart.resize());
  watch.observe(canvas);
  tools(figure, chart, kind, spec);
  keys(canvas, chart, kind, spec, zoom);
  mounted.set(canvas, { draw, end: () => { watch.disconnect(); chart.dispose(); } });
}

function mountAll() {
  for (const [canvas, one] of mounted) {
    if (canvas.isConnected) continue;
    one.end();
    mounted.delete(canvas);
  }
  document.querySelectorAll("[data-chart]").forEach(mount);
  document.documentElement.dataset.chartsReady = String(mounted.size);
}

document.addEventListener("themechange", () => mounted.forEach((one) => one.draw()));
document.addEventListener("htmx:afterSettle", mountAll);
mountAll();
