"""The shell of every HTML page: one file that fetches nothing and runs nothing but its own script.

The page's content security policy names its style and its script by their SHA-256 sums, so text that looks like HTML
stays text even if it were not escaped. Its colours follow the reader's choice of light or dark.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from html import escape

from charlm.phrases import one_line

STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fdfdfb; --faint: #6b6b6b; --line: #cfcfcf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #161616; --faint: #a0a0a0; --line: #444; } }
body { color: var(--ink); background: var(--paper); font: 16px/1.6 system-ui, sans-serif; max-width: 72rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; }
"""


def page(title: str, body: Iterable[str], style: str = "", script: str = "") -> Iterator[str]:
    """Yield a page piece by piece.

    Parameters
    ----------
    title : str
        Plain text.
    body : iterable of str
        HTML, with all text in it escaped (see `text`).
    style, script : str
        CSS after that of all pages, and JavaScript; an empty script means that none may run.
    """
    style = STYLE + style
    runs = f"; script-src {_source(script)}" if script else ""
    policy = f"default-src 'none'; style-src {_source(style)}{runs}; base-uri 'none'; form-action 'none'"
    yield (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<h1>{text(title)}</h1>\n"
    )
    yield from body
    yield f"\n<script>{script}</script>\n</body>\n</html>\n" if script else "\n</body>\n</html>\n"


def text(value: str) -> str:
    """Return a text as HTML, also within an attribute, with characters that are not printable spelt out."""
    return escape(one_line(value))


def json_text(values: object) -> str:
    """Return values as JSON that may stand in a page: no tag can begin in it."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _source(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
