"""The recurrent cells by name; to add one, write its file and its line here."""

from charlm.cells import gru, lstm, lstm_1997, rnn, simple_gru
from charlm.cells.cell import Cell, Gate

CELLS: dict[str, Cell] = {cell.name: cell for cell in (gru.CELL, lstm.CELL, lstm_1997.CELL, rnn.CELL, simple_gru.CELL)}
NAMES = tuple(CELLS)

__all__ = ["CELLS", "NAMES", "Cell", "Gate"]
