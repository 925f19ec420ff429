// A span of days as a map: days across, slots of the day down from midnight, more is further along one ramp.

import { categoryAxis, common, textStyle, tooltip } from "./look.js";
import { exact, scaled, withUnit } from "./numbers.js";
import { seen } from "./zoom.js";

const cells = (spec) => {
  const found = [];
  spec.values.forEach((day, x) => day.forEach((value, y) => value !== null && found.push([x, y, scaled(value, spec.scale)])));
  return found;
};

// One of the values that 98 % stay under tops the ramp, so that a single spike does not turn the year pale.
function top(values) {
  const sorted = values.map((cell) => cell[2]).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * 0.98)] || sorted.at(-1) || 1;
}

const at = (spec, place) => [Math.floor(place / spec.slots.length), place % spec.slots.length];

export const length = (spec) => spec.days.length * spec.slots.length;
export const stride = (spec) => spec.slots.length;
export const link = (spec, place) => spec.link && spec.link + spec.days[at(spec, place)[0]];
export const point = (spec, place) => at(spec, place);

export function say(spec, place) {
  const [x, y] = at(spec, place);
  return `${spec.names[x]}, ${spec.slots[y]}: ${withUnit(spec.values[x][y] ?? null, spec)}`;
}

export const across = (spec) => spec.days.length;
export const stretch = (spec, from, to) => `${spec.names[from]} to ${spec.names[to]}`;

const LABEL_DAYS = 92; // fewer are labelled with dates, more with months

export function option(spec, theme, width, shown) {
  const isShort = shown && shown[1] - shown[0] < LABEL_DAYS;
  const date = (place) => `${Number(spec.days[place].slice(8))} ${spec.months[place]}`;
  const data = cells(spec);
  const months = spec.days.map((day, place) => (place === 0 || day.slice(8) === "01" ? place : -1)).filter((place) => place >= 0);
  const hours = spec.slots.map((slot, place) => (/^(00|06|12|18):00/.test(slot) ? place : -1)).filter((place) => place >= 0);
  const places = isShort ? { formatter: (text, nth) => date(shown[0] + nth) } : { interval: (place) => months.includes(place) };
  return {
    ...common(theme),
    dataZoom: seen(shown),
    grid: { left: 8, right: 12, top: 8, bottom: 36, containLabel: true },
    tooltip: { ...common(theme).tooltip, formatter: ({ data: [x, y] }) => tooltip(`${spec.names[x]}, ${spec.slots[y]}`, [{ name: spec.word, value: withUnit(spec.values[x][y], spec) }, ...(spec.link ? [{ name: "click to open the day", value: "" }] : [])]) },
    xAxis: categoryAxis(theme, spec.months, { axisLabel: { ...textStyle(theme), ...places, align: isShort ? "center" : "left", hideOverlap: true, margin: 6 }, axisLine: { show: false }, axisPointer: { show: false } }),
    yAxis: categoryAxis(theme, spec.slots.map((slot) => slot.slice(0, 5)), { inverse: true, axisLine: { show: false }, axisLabel: { ...textStyle(theme), interval: (place) => hours.includes(place), verticalAlign: "top" } }),
    visualMap: {
      type: "continuous", min: 0, max: top(data), calculable: false, orient: "horizontal", left: 40, bottom: 0, itemWidth: 10, itemHeight: 140,
      text: [`${exact(+top(data).toPrecision(2))}+ ${spec.scale.unit}`, "0"], textStyle: textStyle(theme), inRange: { color: theme.heat }, hoverLink: false,
    },
    series: [{ name: spec.word, type: "heatmap", data, progressive: 0, emphasis: { itemStyle: { borderColor: theme.ink, borderWidth: 1 } } }],
  };
}

export function table(spec) {
  return {
    columns: [{ name: "day" }, ...spec.slots.map((slot) => ({ name: slot.slice(0, 5), numeric: true }))],
    rows: spec.names.map((name, x) => [name, ...spec.slots.map((slot, y) => exact(spec.values[x][y]))]),
    note: `All values in ${spec.unit}.`,
  };
}
