"""The style and the script of the page of units."""

from charlm.insight.unitdata import DIGITS, PAIR

SHADES = 8  # of blue, and of orange

STYLE = """
:root { --up: 64 140 255; --down: 250 140 40; }
@media (prefers-color-scheme: dark) { :root { --up: 30 90 190; --down: 150 74 5; } }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .3rem; }
p { max-width: 48rem; margin: .4rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; margin: .5rem 0; }
th, td { padding: .15rem .8rem .15rem 0; text-align: left; font-weight: normal; }
thead th { color: var(--faint); border-bottom: 1px solid var(--line); }
summary { cursor: pointer; margin: .5rem 0; }
button, select { font: inherit; font-family: ui-monospace, monospace; font-size: .85rem; color: var(--ink);
  background: transparent; border: 1px solid var(--line); border-radius: 4px; padding: 0 .4rem; }
select { background: var(--paper); padding: .2rem .4rem; max-width: 100%; }
button[aria-pressed="true"] { background: var(--ink); color: var(--paper); }
button, select, summary { cursor: pointer; }
:focus-visible { outline: 2px solid var(--ink); outline-offset: 1px; }
.bar { position: sticky; top: 0; z-index: 1; background: var(--paper); border-bottom: 1px solid var(--line);
  padding: .5rem 0; display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; align-items: center; }
.scale { font-variant-numeric: tabular-nums; font-size: .85rem; white-space: nowrap; }
#shades i { display: inline-block; width: .9rem; height: .9rem; border-radius: 0; vertical-align: -.1rem; }
#shades { border: 1px solid var(--line); padding: .15rem 0; }
.t { font: .95rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: .8rem 0 8rem; }
.e { color: var(--faint); }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; width: 12rem; }
figcaption { font-size: .85rem; }
svg path { fill: none; stroke: var(--line); }
svg .rim { stroke-dasharray: 2 3; }
svg .dots { stroke: rgb(var(--up) / 70%); stroke-width: 4; stroke-linecap: round; }
""" + "".join(
    f".{name}{shade} {{ background: rgb(var(--{colour}) / {round(100 * shade / SHADES)}%); }}\n"
    for name, colour in (("p", "up"), ("n", "down"))
    for shade in range(1, SHADES + 1)
)

# The text comes from the data and never from HTML, so whatever it holds stays text.
SCRIPT = (
    f"""
const DIGITS = "{DIGITS}", NONE = {PAIR}, SHADES = {SHADES};
"""
    + """
const byId = id => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const value = new Map([...DIGITS].map((digit, place) => [digit, place]));
const number = (digits, place, width) =>
  [...digits.slice(place * width, (place + 1) * width)]
    .reduce((sum, digit) => sum * DIGITS.length + value.get(digit), 0);

const cells = [], rows = [0];
const characters = document.createDocumentFragment();
for (const character of data.text) {
  const cell = document.createElement("i");
  cell.textContent = character === "\\n" ? "↵" : character;
  cell.tabIndex = -1;
  cells.push(cell);
  characters.append(cell);
  if (character === "\\n") {
    characters.append("\\n");
    rows.push(cells.length);
  }
}
byId("text").append(characters);
const rowOf = place => rows.findLastIndex(first => first <= place);
const placeOf = walk(
  cells, (cell, place) => cells[rows[rowOf(place) - 1]], (cell, place) => cells[rows[rowOf(place) + 1]]);

const levels = DIGITS.length - 1;
const classOf = level => {
  const shade = Math.round((2 * level / levels - 1) * SHADES);
  return shade > 0 ? "p" + shade : shade < 0 ? "n" + -shade : "";
};
for (let shade = -SHADES; shade <= SHADES; shade++) {
  const box = document.createElement("i");
  box.className = classOf((shade / SHADES + 1) / 2 * levels);
  byId("shades").append(box);
}

let unit;
function show(place) {
  unit = data.units[place];
  byId("unit").value = place;
  byId("low").textContent = unit.low.toFixed(2);
  byId("high").textContent = unit.high.toFixed(2);
  cells.forEach((cell, at) => {
    cell.className = classOf(value.get(unit.levels[at])) + (cell.textContent === "↵" ? " e" : "");
  });
  for (const button of document.querySelectorAll("button"))
    button.setAttribute("aria-pressed", button.dataset.unit === String(place));
}
byId("unit").addEventListener("change", event => show(Number(event.target.value)));
document.addEventListener("click", event => {
  if (event.target.dataset.unit === undefined) return;
  show(Number(event.target.dataset.unit));
  byId("said").textContent = unit.name + " colours the text";
});
show(data.shown);

function about(place) {
  const at = unit.low + (unit.high - unit.low) * value.get(unit.levels[place]) / levels;
  const lines = [unit.name + "  " + at.toFixed(2)];
  const bits = number(data.bits, place, 2);
  if (bits === NONE) return [...lines, "given"].join("\\n");
  lines.push((bits / 10).toFixed(1) + " bits");
  const count = data.guesses.length / data.width / cells.length;
  for (let guess = place * count; guess < (place + 1) * count; guess++) {
    const share = number(data.shares, guess, 2) / NONE;
    lines.push(data.symbols[number(data.guesses, guess, data.width)] + " " + Math.round(100 * share) + "%");
  }
  return lines.join("\\n");
}
function explain(event) {
  const place = placeOf.get(event.target);
  if (place !== undefined) event.target.dataset.g = about(place);
  return place;
}
document.addEventListener("pointerover", explain);
document.addEventListener("focusin", event => {
  if (explain(event) !== undefined) byId("said").textContent = event.target.textContent + ": " + event.target.dataset.g;
});
"""
)
