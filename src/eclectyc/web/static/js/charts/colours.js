// The page's own colours, resolved for the theme of this moment: a canvas cannot read custom properties.

const probe = document.createElement("i");
probe.hidden = true;

export function colour(token) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${token})`;
  return getComputedStyle(probe).color;
}

// "electricity" is a utility; anything else is a token by its own name.
const UTILITIES = new Set(["electricity", "gas", "water", "heat", "solar", "fuel", "energy", "other"]);
export const seriesColour = (name) => colour(UTILITIES.has(name) ? `utility-${name}` : name);

export function palette() {
  const names = ["ink", "ink-soft", "surface", "line", "line-strong", "accent", "chart-band", "chart-compare", "chart-grid", "chart-missing"];
  const found = Object.fromEntries(names.map((name) => [name, colour(name)]));
  found.heat = [0, 1, 2, 3, 4, 5].map((step) => colour(`heat-${step}`));
  found.font = getComputedStyle(document.body).fontFamily;
  return found;
}
