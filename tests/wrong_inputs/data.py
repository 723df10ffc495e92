"""What a person may get wrong with `charlm data`."""

DATA = {
    "a misspelt command": ("data lst", 2, "No such command 'lst'. Did you mean 'list'? Try `charlm data --help`."),
    "a command that there is not": ("data remove names", 2, "No such command 'remove'. Try `charlm data --help`."),
    "no name": ("data fetch", 2, "Missing argument 'NAME'. Try `charlm data fetch --help`."),
    "a folder but no name": ("data fetch --to x", 2, "Missing argument 'NAME'. Try `charlm data fetch --help`."),
    "a short name": (
        "data fetch shakespeare",
        2,
        "'shakespeare' is not a corpus that can be fetched; did you mean 'tiny-shakespeare'? (tiny-shakespeare, names)",
    ),
    "an underscore for a hyphen": (
        "data fetch tiny_shakespeare",
        2,
        "'tiny_shakespeare' is not a corpus that can be fetched; did you mean 'tiny-shakespeare'? (tiny-shakespeare, names)",
    ),
    "a corpus that there is not": (
        "data fetch enwik8",
        2,
        "'enwik8' is not a corpus that can be fetched (tiny-shakespeare, names)",
    ),
    "two names": (
        "data fetch names tiny-shakespeare",
        2,
        "Got unexpected extra argument (tiny-shakespeare). Try `charlm data fetch --help`.",
    ),
    "an address of a file server": (
        "data fetch names --url ftp://example.com/names.txt",
        2,
        "--url: 'ftp://example.com/names.txt' is not a web address; it must begin with http:// or https:// and name a server",
    ),
    "an address without its scheme": (
        "data fetch names --url example.com",
        2,
        "--url: 'example.com' is not a web address; it must begin with http:// or https:// and name a server",
    ),
    "an empty address": (
        'data fetch names --url ""',
        2,
        "--url: '' is not a web address; it must begin with http:// or https:// and name a server",
    ),
    "an address without a server": (
        "data fetch names --url http://",
        2,
        "--url: 'http://' is not a web address; it must begin with http:// or https:// and name a server",
    ),
    "an address with a space": (
        'data fetch names --to x --url "http://exa mple.com/a"',
        2,
        "--url: 'http://exa mple.com/a' is not a web address; it must begin with http:// or https:// and name a server",
    ),
    "an address with an open bracket": (
        'data fetch names --url "http://[::1/a"',
        2,
        "--url: 'http://[::1/a' is not a web address; it must begin with http:// or https:// and name a server",
    ),
    "an address with an impossible port": (
        "data fetch names --to x --url http://localhost:99999999/a",
        2,
        "--url: 'http://localhost:99999999/a' is not a web address; it must begin with http:// or https:// and name a server",
    ),
    "an address where nobody listens": (
        "data fetch names --to x --url http://127.0.0.1:1/a",
        1,
        "http://127.0.0.1:1/a: no connection to 127.0.0.1 (…); is there a network? Otherwise bring the file yourself and name it in the configuration as corpus.path",
    ),
    "another file of the name": (
        "data fetch names",
        1,
        "data/names.txt: exists and is not names as it was published; move it away, choose another folder, or overwrite it (--to, --force)",
    ),
    "a file for a folder": (
        "data fetch names --to text.txt",
        1,
        "text.txt: cannot be a folder: text.txt is a file; choose another folder (--to)",
    ),
    "a folder that cannot be made": (
        "data fetch names --to /dev/null/x",
        1,
        "/dev/null/x: cannot be a folder: /dev/null is a file; choose another folder (--to)",
    ),
    "an empty folder": (
        'data fetch names --to ""',
        2,
        "Invalid value for '--to': is empty; give a path. Try `charlm data fetch --help`.",
    ),
    "a folder in an unknown home": (
        'data fetch names --to "~nobody-of-this-name"',
        2,
        "~nobody-of-this-name: the home directory ~nobody-of-this-name is not known; write the path out, or put ./ before a name that begins with ~",
    ),
    "a NUL in the folder": (
        'data fetch names --to "a\\0b"',
        2,
        r"a\x00b: has a NUL character (U+0000), which no path can have; remove it",
    ),
    "a folder without its path": (
        "data fetch names --to",
        2,
        "Option '--to' requires an argument. Try `charlm data fetch --help`.",
    ),
    "an argument to the list": (
        "data list names",
        2,
        "Got unexpected extra argument (names). Try `charlm data list --help`.",
    ),
    "an option that the list does not have": (
        "data list --json",
        2,
        "No such option '--json'. Try `charlm data list --help`.",
    ),
    "a folder that may not be written to": (
        "data fetch names --to locked",
        1,
        "locked/names.txt: cannot be written (Permission denied); choose another folder (--to)",
    ),
    "no task": ("data task", 2, "Missing argument 'NAME'. Try `charlm data task --help`."),
    "a misspelt task": (
        "data task bracket",
        2,
        "'bracket' is not a task; did you mean 'brackets'? (copy, brackets, adding)",
    ),
    "a task that there is not": ("data task sorting", 2, "'sorting' is not a task (copy, brackets, adding)"),
    "two tasks": (
        "data task copy adding",
        2,
        "Got unexpected extra argument (adding). Try `charlm data task --help`.",
    ),
    "no delay": (
        "data task copy --delay 0",
        2,
        "Invalid value for '--delay': must be a whole number of at least 1, got '0'. Try `charlm data task --help`.",
    ),
    "a delay in words": (
        "data task copy --delay long",
        2,
        "Invalid value for '--delay': must be a whole number of at least 1, got 'long'. Try `charlm data task --help`.",
    ),
    "a delay that is too short": ("data task copy --delay 1", 2, "--delay: must be at least 2 for copy, got 1"),
    "a delay that is too short for brackets": (
        "data task brackets --delay 5",
        2,
        "--delay: must be at least 6 for brackets, got 5",
    ),
    "a delay that is too short for two summands": (
        "data task adding --delay 3",
        2,
        "--delay: must be at least 4 for adding, got 3",
    ),
    "a delay as long as all lines together": (
        "data task copy --delay 100000000000000000000",
        2,
        "--delay: must be below 99,999,998, got 100,000,000,000,000,000,000",
    ),
    "no lines": (
        "data task copy --lines 0",
        2,
        "Invalid value for '--lines': must be a whole number of at least 1, got '0'. Try `charlm data task --help`.",
    ),
    "more lines than fit": (
        "data task copy --lines 5000000",
        2,
        "--lines: at most 4,347,826 of delay 20 make a text of 100,000,000 characters, got 5,000,000",
    ),
    "a negative seed of lines": (
        "data task copy --seed -1",
        2,
        "Invalid value for '--seed': must be a whole number of at least 0 and at most 18,446,744,073,709,551,615, got '-1'. Try `charlm data task --help`.",
    ),
    "a broken seed of lines": (
        "data task copy --seed 1.5",
        2,
        "Invalid value for '--seed': must be a whole number of at least 0 and at most 18,446,744,073,709,551,615, got '1.5'. Try `charlm data task --help`.",
    ),
    "other lines of the name": (
        "data task copy --delay 5",
        1,
        "data/copy-5.txt: exists and has other lines; move it away, choose another folder, or overwrite it (--to, --force)",
    ),
    "a file for a folder of lines": (
        "data task copy --to text.txt",
        1,
        "text.txt: cannot be a folder: text.txt is a file; choose another folder (--to)",
    ),
    "a folder of lines that may not be written to": (
        "data task copy --to locked",
        1,
        "locked/copy-20.txt: cannot be written (Permission denied); choose another folder (--to)",
    ),
    "an empty folder of lines": (
        'data task copy --to ""',
        2,
        "Invalid value for '--to': is empty; give a path. Try `charlm data task --help`.",
    ),
}
