// One local day in its slots, 46, 48 or 50 of them: actual solid, estimated hatched, missing a visible gap.

import { colour, seriesColour } from "./colours.js";
import { categoryAxis, common, hatch, tooltip, valueAxis } from "./look.js";
import { exact, scaled, withUnit } from "./numbers.js";
import { seen } from "./zoom.js";

const MISSING = 0;
const NAMES = ["missing", "actual", "estimated", "substituted", "derived"];
const isHatched = (quality) => quality >= 2;

function missingRuns(spec) {
  const runs = [];
  spec.quality.forEach((quality, place) => {
    if (quality !== MISSING) return;
    const last = runs.at(-1);
    if (last && last[1] === place - 1) last[1] = place;
    else runs.push([place, place]);
  });
  return runs;
}

// The left, the width and the pixel height of a value, for what is drawn slot by slot from edge to edge.
function slotFrame(api) {
  const [width] = api.size([1, 0]);
  return { x: api.coord([api.value(0), 0])[0] - width / 2, width, at: (value) => api.coord([0, value])[1] };
}

function band(spec, theme) {
  if (!spec.band) return [];
  const data = spec.band.low.map((low, place) => [place, scaled(low, spec.scale), scaled(spec.band.high[place], spec.scale)]).filter(([, low, high]) => low !== null && high !== null);
  const shared = { type: "custom", silent: true, clip: true, data, encode: { x: 0, y: [1, 2] } };
  const area = (params, api) => {
    const { x, width, at } = slotFrame(api);
    return { type: "rect", shape: { x, width: width + 0.5, y: at(api.value(2)), height: at(api.value(1)) - at(api.value(2)) }, style: { fill: theme["chart-band"] } };
  };
  // The lower edge again, over the bars in the colour of the page: seen where a bar reaches into or over the band.
  const edge = (params, api) => {
    const { x, width, at } = slotFrame(api);
    return { type: "line", shape: { x1: x, x2: x + width, y1: at(api.value(1)), y2: at(api.value(1)) }, style: { stroke: theme.surface, lineWidth: 1, opacity: 0.7 } };
  };
  return [{ ...shared, name: "typical range", z: 1, renderItem: area }, { ...shared, name: "band edge", z: 4, renderItem: edge }];
}

function compared(spec, theme) {
  if (!spec.compare) return [];
  const values = spec.compare.values.map((value) => scaled(value, spec.scale));
  const step = (params, api) => {
    const place = api.value(0);
    const { x, width, at } = slotFrame(api);
    const before = place > 0 ? values[place - 1] : null;
    const points = [[x, at(before ?? values[place])], [x, at(values[place])], [x + width, at(values[place])]];
    return { type: "polyline", shape: { points }, style: { fill: "none", stroke: theme["chart-compare"], lineWidth: 1.5, lineDash: [4, 3] } };
  };
  const data = values.map((value, place) => [place, value]).filter(([, value]) => value !== null);
  return [{ type: "custom", name: spec.compare.name, silent: true, clip: true, z: 5, data, encode: { x: 0, y: 1 }, renderItem: step }];
}

function details(spec, place) {
  const rows = [{ name: NAMES[spec.quality[place]], value: withUnit(spec.values[place], spec), colour: spec.quality[place] === MISSING ? undefined : spec.colour }];
  if (spec.compare) rows.push({ name: spec.compare.name, value: withUnit(spec.compare.values[place], spec) });
  if (spec.band?.low[place] != null) {
    rows.push({ name: "typical", value: `${exact(+scaled(spec.band.low[place], spec.scale).toPrecision(4))}–${withUnit(spec.band.high[place], spec)}` });
  }
  return rows;
}

export const length = (spec) => spec.values.length;
export const link = () => undefined;

export function say(spec, place) {
  return `${spec.spans[place]}: ${details(spec, place).map((row) => `${row.name} ${row.value}`).join(", ")}`;
}

export const across = (spec) => spec.values.length;
export const stretch = (spec, from, to) => `${spec.labels[from]} to ${spec.spans[to]}`;

export function option(spec, theme, room, shown) {
  const own = seriesColour(spec.colour);
  const ticks = shown ? {} : { interval: (place) => spec.ticks.includes(place) };
  return {
    ...common(theme),
    dataZoom: seen(shown),
    tooltip: { ...common(theme).tooltip, trigger: "axis", formatter: (points) => tooltip(spec.spans[points[0].dataIndex], details(spec, points[0].dataIndex)) },
    xAxis: categoryAxis(theme, spec.labels, { axisLabel: { ...categoryAxis(theme, []).axisLabel, ...ticks, hideOverlap: true } }),
    yAxis: valueAxis(theme, spec.scale.unit),
    series: [
      ...band(spec, theme),
      {
        name: "reading", type: "bar", emphasis: { disabled: true }, color: own, barCategoryGap: spec.values.length > 60 ? "5%" : "18%", z: 3, itemStyle: { borderRadius: [1, 1, 0, 0] },
        data: spec.values.map((value, place) => ({ value: scaled(value, spec.scale), itemStyle: isHatched(spec.quality[place]) ? { decal: hatch(theme), borderColor: own, borderWidth: 1 } : undefined })),
      },
      ...compared(spec, theme),
      // Gaps have their own empty series, so that the frame of a missing run spans whole slots.
      {
        name: "gaps", type: "custom", silent: true, z: 2, data: missingRuns(spec), encode: { x: [0, 1] },
        renderItem: (params, api) => {
          const { x: from, width } = slotFrame(api);
          const { x: left, y, width: whole, height } = params.coordSys;
          const x = Math.max(from, left);
          const wide = Math.min(from + (api.value(1) - api.value(0) + 1) * width, left + whole) - x;
          if (wide <= 1) return null;
          const frame = { type: "rect", shape: { x: x + 0.5, y: y + 0.5, width: wide - 1, height: height - 1 }, style: { fill: colour("sunken"), stroke: theme["line-strong"], lineDash: [3, 3], lineWidth: 1 } };
          const label = { type: "text", style: { text: "no readings", x: x + wide / 2, y: y + 10, align: "center", fill: theme["ink-soft"], font: `12px ${theme.font}` } };
          return { type: "group", children: wide > 72 ? [frame, label] : [frame] };
        },
      },
    ],
  };
}

export function table(spec) {
  const columns = [{ name: "from–to" }, { name: "usage", unit: spec.unit, numeric: true }, { name: "quality" }];
  if (spec.compare) columns.push({ name: spec.compare.name, unit: spec.unit, numeric: true });
  if (spec.band) columns.push({ name: "typical, from", unit: spec.unit, numeric: true }, { name: "typical, to", unit: spec.unit, numeric: true });
  const rows = spec.spans.map((span, place) => {
    const row = [span, exact(spec.values[place]), NAMES[spec.quality[place]]];
    if (spec.compare) row.push(exact(spec.compare.values[place]));
    if (spec.band) row.push(exact(spec.band.low[place]), exact(spec.band.high[place]));
    return row;
  });
  return { columns, rows };
}
