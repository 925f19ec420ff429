// Zoom of a chart: by dragging across it or with + and −; reset with 0, Escape, its button or a double click. The values do
// not change: axes do not rescale, and the table and the CSV have everything.

const LEAST = 2; // columns that are still worth a picture
const DRAG_FROM = 8; // [px] less is an unsteady click

const announce = (text) => { document.getElementById("announce").textContent = text; };
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export class Zoom {
  constructor(figure, canvas, chart, kind, spec) {
    Object.assign(this, { canvas, chart, kind, spec });
    this.last = kind.across(spec) - 1;
    this.shown = [0, this.last];
    this.button = figure.querySelector("[data-chart-whole]");
    this.button.addEventListener("click", () => {
      this.whole();
      canvas.focus({ preventScroll: true });
    });
    if (!kind.link(spec, 0)) canvas.addEventListener("dblclick", () => this.whole()); // else its first click opens something
    this.dragged = false;
    this.listen();
  }

  get isWhole() {
    return this.shown[0] === 0 && this.shown[1] === this.last;
  }

  show(first, count) {
    const size = clamp(count, Math.min(LEAST, this.last + 1), this.last + 1);
    const from = clamp(first, 0, this.last + 1 - size);
    this.shown = [from, from + size - 1];
    this.button.hidden = this.isWhole;
    this.redraw();
  }

  whole() {
    if (this.isWhole) return;
    this.show(0, this.last + 1);
    announce("Zoom reset: the whole chart is shown.");
  }

  // Halve or double what is shown, around a column.
  by(factor, column) {
    const [from, to] = this.shown;
    const size = Math.ceil((to - from + 1) * factor);
    const middle = column >= from && column <= to ? column : Math.floor((from + to + 1) / 2);
    this.show(middle - Math.floor(size / 2), size);
    this.say();
  }

  // Move what is shown just so far that a column is in it.
  reveal(column) {
    const [from, to] = this.shown;
    if (column < from) this.show(column, to - from + 1);
    else if (column > to) this.show(from + column - to, to - from + 1);
  }

  say() {
    announce(this.isWhole ? "Zoom reset: the whole chart is shown." : `Zoomed: ${this.kind.stretch(this.spec, ...this.shown)}`);
  }

  // A key that zooms; returns whether it was one.
  pressed(event, column) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "+" || event.key === "=") this.by(0.5, column);
    else if (event.key === "-" || event.key === "_") this.by(2, column);
    else if (event.key === "0" || (event.key === "Escape" && !this.isWhole)) this.whole();
    else return false;
    return true;
  }

  listen() {
    const { canvas, chart } = this;
    let start = null;
    let box = null;
    const across = (event) => event.clientX - canvas.getBoundingClientRect().left;
    const down = (event) => event.clientY - canvas.getBoundingClientRect().top;
    const end = () => {
      box?.remove();
      canvas.classList.remove("is-dragged");
      start = box = null;
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary || !chart.containPixel({ gridIndex: 0 }, [across(event), down(event)])) return;
      start = across(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (start === null || (!box && Math.abs(across(event) - start) < DRAG_FROM)) return;
      if (!box) {
        canvas.setPointerCapture(event.pointerId); // the chart below sees neither moves nor the click
        chart.dispatchAction({ type: "hideTip" });
        box = document.createElement("div");
        box.className = "chart-drag";
        canvas.append(box);
        canvas.classList.add("is-dragged");
      }
      const at = clamp(across(event), 0, canvas.clientWidth);
      box.style.left = `${Math.min(start, at)}px`;
      box.style.width = `${Math.abs(at - start)}px`;
    });
    canvas.addEventListener("pointerup", (event) => {
      if (box) {
        const [from, to] = [start, across(event)].sort((a, b) => a - b).map((x) => clamp(chart.convertFromPixel({ xAxisIndex: 0 }, x), ...this.shown));
        this.dragged = true;
        setTimeout(() => { this.dragged = false; });
        this.show(from, to - from + 1);
        this.say();
      }
      end();
    });
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("keydown", (event) => event.key === "Escape" && end());
  }
}

// The part of a chart's options that says which columns are seen.
export function seen(shown) {
  return [{ type: "inside", disabled: true, filterMode: "none", ...(shown ? { startValue: shown[0], endValue: shown[1] } : {}) }];
}
