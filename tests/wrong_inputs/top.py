"""What a person may get wrong before any command is called."""

TOP = {
    "a misspelt command": (
        "trian small.yaml",
        2,
        "No such command 'trian'; did you mean 'train'? Try `charlm --help`.",
    ),
    "a command in capitals": ("Train", 2, "No such command 'Train'; did you mean 'train'? Try `charlm --help`."),
    "a command that there is not": (
        "generate runs/run",
        2,
        "No such command 'generate'; choose one of train, sample, …. Try `charlm --help`.",
    ),
    "a run for a command": (
        "runs/run",
        2,
        "No such command 'runs/run'; did you mean 'runs'? Try `charlm --help`.",
    ),
    "a configuration for a command": (
        "small.yaml",
        2,
        "No such command 'small.yaml'; choose one of train, sample, …. Try `charlm --help`.",
    ),
    "help as a command": (
        "help",
        2,
        "No such command 'help'; choose one of train, sample, …. Try `charlm --help`.",
    ),
    "an empty command": (
        '""',
        2,
        "No such command ''; choose one of train, sample, …. Try `charlm --help`.",
    ),
    "a line end in the command": (
        '"tr\\nain"',
        2,
        r"No such command 'tr\nain'; did you mean 'train'? Try `charlm --help`.",
    ),
    "an escape in the command": (
        '"tr\\eain"',
        2,
        r"No such command 'tr\x1bain'; did you mean 'train'? Try `charlm --help`.",
    ),
    "no command after two hyphens": ("--", 2, "Missing command. Try `charlm --help`."),
    "a misspelt option": ("--verison", 2, "No such option '--verison'; did you mean '--version'? Try `charlm --help`."),
    "a short option": ("-V", 2, "No such option '-V'. Try `charlm --help`."),
    "an option before the command": ("--quiet train small.yaml", 2, "No such option '--quiet'. Try `charlm --help`."),
}
