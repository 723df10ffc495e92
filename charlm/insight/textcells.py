"""The characters of a text on a page as cells: what one tells appears under it, and the arrow keys move among them."""

# Of cells that are <i> elements, with what they tell in data-g; a screen reader hears what the page puts in #said.
STYLE = """
i { font-style: normal; position: relative; }
i[data-g]:hover::after, i[data-g]:focus::after { content: attr(data-g); position: absolute; left: 0; top: 100%;
  z-index: 2; background: var(--paper); color: var(--ink); border: 1px solid var(--ink); padding: .2rem .5rem;
  white-space: pre; font-size: .85rem; line-height: 1.4; }
#said { position: absolute; clip-path: inset(50%); }
"""

SCRIPT = """
// Left and right move from cell to cell, up and down to those that `above` and `below` return of a cell and its place.
// Return the places of the cells.
function walk(cells, above, below) {
  const places = new Map(cells.map((cell, place) => [cell, place]));
  if (cells.length) cells[0].tabIndex = 0;
  document.addEventListener("keydown", event => {
    const cell = document.activeElement, place = places.get(cell);
    if (place === undefined) return;
    const near = {
      ArrowLeft: () => cells[place - 1],
      ArrowRight: () => cells[place + 1],
      ArrowUp: () => above(cell, place),
      ArrowDown: () => below(cell, place),
    }[event.key]?.();
    if (!near) return;
    event.preventDefault();
    cell.tabIndex = -1;
    near.tabIndex = 0;
    near.focus();
  });
  return places;
}
"""
