"""A page that writes text: a model, `writer.js`, which computes it in the browser, and the controls."""

import base64
import gzip
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import numpy as np

from charlm.corpus.vocabulary import Vocabulary
from charlm.export.javascript import equations
from charlm.export.rounding import Stored
from charlm.inference.sampler import beginning
from charlm.insight.heatmap import COLOURS_OF_LEVELS, LEVELS
from charlm.insight.page import json_text, page, text
from charlm.network.architecture import Architecture
from charlm.ngram.mixture import Mixture
from charlm.randomness import Purpose

STYLE = """
form { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin: 1rem 0; }
label { display: grid; font-size: .9rem; }
label:first-child { flex: 1 0 100%; }
input, textarea, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--faint);
  border-radius: 4px; padding: .2rem .5rem; box-sizing: border-box; }
input, #stop { width: 8.5rem; }
textarea { resize: vertical; font-family: ui-monospace, monospace; }
button { padding: .2rem 1rem; cursor: pointer; }
button:disabled { color: var(--faint); cursor: default; border-color: var(--line); }
#text { font: 1rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; min-height: 12rem;
  border: 1px solid var(--line); border-radius: 4px; padding: .6rem .8rem; }
#text span { border-radius: 2px; }
.given { color: var(--faint); }
""" + COLOURS_OF_LEVELS

CONTROLS = """<form id="controls" novalidate>
<label>Prompt<textarea id="prompt" rows="2" spellcheck="false"></textarea></label>
<label>Length<input id="length" type="number" min="0" max="1000000" value="500"></label>
<label>Temperature<input id="temperature" type="number" min="0" step="any" value="0.8"></label>
<label>Top-k<input id="top-k" type="number" min="1" placeholder="all"></label>
<label>Top-p<input id="top-p" type="number" min="0" max="1" step="any" placeholder="all"></label>
<label>Min-p<input id="min-p" type="number" min="0" max="1" step="any" placeholder="0"></label>
<label>Seed<input id="seed" inputmode="numeric" placeholder="random"></label>
<label>Stop at<textarea id="stop" rows="1" spellcheck="false" placeholder="nothing"></textarea></label>
<button id="write" disabled>Write</button>
<button id="halt" type="button" disabled>Stop</button>
</form>
<p id="status" role="status">This page needs JavaScript and a browser of 2023 or later.</p>
<div id="text" tabindex="0" role="region" aria-label="Text"></div>
<p>The redder a character, the more it surprised the model, whatever the temperature. The same seed and options give the
same text.</p>
"""


def writing_page(
    title: str,
    facts: Iterable[str],
    architecture: Architecture,
    vocabulary: Vocabulary,
    form: Mapping[str, Any],
    weights: Mapping[str, Stored],
    mixture: Mixture | None = None,
) -> Iterator[str]:
    """Yield a page piece by piece.

    Parameters
    ----------
    title : str
        Plain text.
    facts : iterable of str
        What is to be known of the model, in plain text, a paragraph each.
    architecture, vocabulary
        The network and its symbols.
    form : mapping
        What a prompt is given: ``newlines`` (``lf`` or ``keep``), ``normalize`` (a normal form or None), ``lowercase``.
    weights : mapping of str to ndarray
        The weights as `charlm.export.rounding.stored` gives them.
    mixture : Mixture, optional
        The n-gram beside the network.
    """
    script = files("charlm.export").joinpath("writer.js").read_text("utf-8") + "\n" + equations(architecture.equations)
    content = json_text(_content(architecture, vocabulary, form, weights, mixture))
    model = f'<script type="application/json" id="model">{content}</script>\n'
    return page(title, [CONTROLS, *(f"<p>{text(fact)}</p>\n" for fact in facts), model], STYLE, script)


def _content(
    architecture: Architecture,
    vocabulary: Vocabulary,
    form: Mapping[str, Any],
    weights: Mapping[str, Stored],
    mixture: Mixture | None,
) -> dict[str, Any]:
    """Return what `writer.js` loads: plain values, and the arrays as compressed bytes in the order of `tensors`."""
    a, cell = architecture, architecture.equations
    arrays = dict(weights)
    if mixture is not None:
        arrays |= {f"ngram.{name}": array for name, array in mixture.ngram.tensors.items()}
        arrays["factors"] = mixture.scales.astype("<f4")
    data = b"".join(np.asarray(array, array.dtype.newbyteorder("<"), order="C").tobytes() for array in arrays.values())
    return {
        "architecture": {
            "layers": a.num_layers, "hidden": a.hidden_size, "embedding": a.embedding_size, "start": a.start_symbol,
            "gates": len(cell.gates), "summed": cell.summed, "carried": len(cell.carried),
        },
        **vocabulary.to_metadata(),
        "form": dict(form),
        "begin": beginning(vocabulary.symbols, a.start_symbol),
        "never": vocabulary.unknown,
        "purpose": int(Purpose.SAMPLE),
        "levels": LEVELS,
        "order": 0 if mixture is None else mixture.ngram.order,
        "tensors": [(name, array.dtype.str, array.nbytes) for name, array in arrays.items()],
        "data": base64.b64encode(gzip.compress(data, mtime=0)).decode(),
    }  # fmt: skip
