"""Which options of a section belong to which choice in it, where not every choice uses them."""

Key = tuple[str, ...]

UNIT_OPTIONS: dict[str, Key] = {
    "char": ("encoding", "normalize", "lowercase", "min_count", "unknown"),
    "byte": (),
}
OPTIMIZER_OPTIONS: dict[str, Key] = {
    "adagrad": ("eps",),
    "adam": ("betas", "eps"),
    "adamw": ("betas", "eps"),
    "rmsprop": ("alpha", "eps"),
    "sgd": ("momentum", "nesterov"),
}
SCHEDULE_OPTIONS: dict[str, Key] = {
    "constant": (),
    "cosine": ("final_ratio",),
    "exponential": ("factor", "after"),
    "linear": ("final_ratio",),
    "plateau": ("factor", "final_ratio", "patience"),
    "step": ("factor", "every", "after"),
}
LENGTHS = ("epochs", "max_steps", "max_minutes")  # of training; at most one is given
