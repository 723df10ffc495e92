"""What a file is by its first bytes, where it is no text."""

import codecs
import io
import re

from charlm.corpus.sources import DECOMPRESSORS

HEAD = 1 << 16
LEAST_ZEROS = 16  # that tell UTF-16 from a text with a NUL character or two
TAR_MAGIC = (
    257,
    b"ustar",
)  # after the name, the mode, the owner, the size, the time and the checksum of the first file
COMPRESSED = {b"\x1f\x8b": ("gzip", ".gz"), b"BZh": ("bzip2", ".bz2"), b"\xfd7zXZ\x00": ("xz", ".xz")}
AS_TEXT = "save it as plain text in UTF-8, or convert it with `pandoc -t plain`"
AS_TABLE = "save the sheet as .csv, and name its column in corpus.column"
ZIPPED = {  # what a zip archive has in its first names, and what it is then
    b"mimetypeapplication/epub+zip": f"it is an EPUB book; {AS_TEXT}",
    b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet": f"it is an OpenDocument sheet (.ods); {AS_TABLE}",
    b"mimetypeapplication/vnd.oasis.opendocument": f"it is an OpenDocument file (such as .odt); {AS_TEXT}",
    b"word/": f"it is a Word document (.docx); {AS_TEXT}",
    b"xl/": f"it is an Excel sheet (.xlsx); {AS_TABLE}",
    b"ppt/": "it is a PowerPoint file (.pptx); save its outline as plain text in UTF-8",
}
MARKUP = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL
)
ARCHIVES = {
    b"PK\x03\x04": "it is a zip archive; extract the text from it",
    b"\xd0\xcf\x11\xe0": f"it is an old Office file (such as .doc); {AS_TEXT}",
    b"{\\rtf": f"it is a rich text file (.rtf); {AS_TEXT}",
    b"PAR1": "it is a Parquet table; export one column of it as .csv or .jsonl, and name it in corpus.column",
    b"ARROW1": "it is an Arrow table; export one column of it as .csv or .jsonl, and name it in corpus.column",
    b"7z\xbc\xaf\x27\x1c": "it is a 7z archive; extract the text from it",
    b"Rar!\x1a\x07": "it is a rar archive; extract the text from it",
    b"%PDF": "it is a PDF; extract the text from it, as `pdftotext` does",
    b"%!PS": "it is PostScript; extract the text from it, as `ps2ascii` does",
    b"\x28\xb5\x2f\xfd": "it is a Zstandard file (.zst), which charlm does not unpack; unpack it with `unzstd`",
    b"\x04\x22\x4d\x18": "it is an LZ4 file (.lz4), which charlm does not unpack; unpack it with `unlz4`",
}
KINDS = {
    b"PK\x03\x04": "a zip archive, as PyTorch's and Keras's models are",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"GGUF": "a GGUF model",
    b"\x93NUMPY": "an array of NumPy's",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"RIFF": "a sound, an image or a film",
    b"ID3": "an MP3 file",
    b"OggS": "an Ogg file",
    b"SQLite format 3": "an SQLite database",
    b"\x7fELF": "a program",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
}
MARKS = {
    codecs.BOM_UTF32_LE: "it begins as UTF-32 does; set `encoding: utf-32`",
    codecs.BOM_UTF32_BE: "it begins as UTF-32 does; set `encoding: utf-32`",
    codecs.BOM_UTF16_LE: "it begins as UTF-16 does; set `encoding: utf-16`",
    codecs.BOM_UTF16_BE: "it begins as UTF-16 does; set `encoding: utf-16`",
}


def archive(head: bytes, unpacked: str = "") -> str | None:
    """Return what a file is that holds other files, or a compressed one, and what to do with it.

    Parameters
    ----------
    head : bytes
        Its first bytes.
    unpacked : str
        The suffix of the compression that was taken off it already, or an empty string.

    Returns
    -------
    str or None
        A sentence, or None where the beginning is none of an archive.
    """
    if _is_tar(head):
        return "it is a tar archive, files with headers between them; extract its files (`tar xf`) and name those"
    for signature, (name, suffix) in COMPRESSED.items():
        if not head.startswith(signature):
            continue
        if _is_tar(_unpacked(head, suffix)):
            return f"it is a tar archive compressed with {name}; extract its files (`tar xf`) and name those"
        if unpacked:
            return f"it is a {name} file within a {unpacked} file; unpack it once and give what comes out {suffix}"
        return f"it is a {name} file; give it the suffix {suffix}"
    if head.startswith(b"PK\x03\x04"):
        for part, meaning in ZIPPED.items():
            if part in head:
                return meaning
    if MARKUP.match(head):
        return f"it is an HTML page; to learn its text without the markup, {AS_TEXT}"
    return next((meaning for signature, meaning in ARCHIVES.items() if head.startswith(signature)), None)


def kind(head: bytes) -> str | None:
    """Return what a file that is no text is, by its first bytes: another program's model, an image, or a checkpoint."""
    if head[8:10] == b'{"' and b"\0" in head[:8]:  # the length of a safetensors header
        return "a safetensors file, as checkpoints are"
    return next((meaning for signature, meaning in KINDS.items() if head.startswith(signature)), None)


def mark(head: bytes) -> str | None:
    """Return which encoding's byte order mark a file begins with, or None."""
    return next((meaning for signature, meaning in MARKS.items() if head.startswith(signature)), None)


def zero_pattern(data: bytes) -> str | None:
    """Return which encoding every other byte that is zero tells of, or None.

    Parameters
    ----------
    data : bytes
        Part of a file from an even offset.
    """
    even, odd = data[::2], data[1::2]
    zero_even, zero_odd = even.count(0) / max(1, len(even)), odd.count(0) / max(1, len(odd))
    if zero_odd > 0.4 and zero_even < 0.1:
        return "every other byte is zero, as in UTF-16; set `encoding: utf-16-le`"
    if zero_even > 0.4 and zero_odd < 0.1:
        return "every other byte is zero, as in UTF-16; set `encoding: utf-16-be`"
    return None


def unmarked_utf16(head: bytes) -> str | None:
    """Return what to set for a text in UTF-16 without a byte order mark, or None for what is none beyond doubt.

    Of the two bytes of a character the high one is zero in ASCII, and below 0x30 in the other alphabets and in their
    punctuation. In other encodings no text is without letters and digits at every second byte, and has zero bytes there
    and nowhere else. A list of single characters with NUL behind each looks the same, but has no blank.

    Parameters
    ----------
    head : bytes
        The first bytes of a file.
    """
    if head.count(0) < LEAST_ZEROS:
        return None
    size = len(head) // 2 * 2
    for order, high, low in (("le", head[1:size:2], head[:size:2]), ("be", head[:size:2], head[1:size:2])):
        is_alphabetic = max(high) < 0x30 and 0 not in low and high.count(0) > len(high) / 20
        if is_alphabetic and re.search("[ \n]", head[:size].decode(f"utf-16-{order}", "replace")):
            return f"it is UTF-16 without a byte order mark; set `encoding: utf-16-{order}`"
    return None


def _is_tar(head: bytes) -> bool:
    at, magic = TAR_MAGIC
    return head[at : at + len(magic)] == magic


def _unpacked(head: bytes, suffix: str) -> bytes:
    """Return the beginning of what a compressed file holds, as far as it can be unpacked."""
    try:
        with DECOMPRESSORS[suffix](io.BytesIO(head)) as stream:
            return stream.read(512)
    except (OSError, EOFError, ValueError):
        return b""
    except Exception:  # zlib.error and lzma.LZMAError have no common class
        return b""
