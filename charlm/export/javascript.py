"""A cell's equations in JavaScript, from those in Python: both languages write them alike."""

import ast
import inspect
import textwrap

from charlm.cells import Cell

LOOP = """// The equations of the cell {name}, for each of its H units: pre-activations and states in, states out.
function cell(columns, states, H) {{
  for (let j = 0; j < H; j++) {{
{lines}
  }}
}}
"""


def equations(cell: Cell) -> str:
    """Return a function of JavaScript that computes a cell's step in place.

    Parameters
    ----------
    cell : Cell
        Its function `forward` is a list of assignments and the result, as the contract of cells asks for.
    """
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(cell.forward))).body
    assert isinstance(function, ast.FunctionDef)
    arguments = [argument.arg for argument in function.args.args]
    columns = [f"columns[{k} * H + j]" for k in range(cell.columns)]
    states = [f"states[{k}][j]" for k in range(len(cell.carried))]
    lines = [f"const {name} = {value};" for name, value in zip(arguments, columns + states, strict=True)]
    for statement in function.body:
        if isinstance(statement, ast.Assign):
            lines.append(f"const {ast.unparse(statement)};")
        elif isinstance(statement, ast.Return):
            assert isinstance(statement.value, ast.Tuple)
            results = statement.value.elts[-len(states) :]
            lines += [f"{state} = {ast.unparse(value)};" for state, value in zip(states, results, strict=True)]
    return LOOP.format(name=cell.name, lines=textwrap.indent("\n".join(lines), " " * 4))
