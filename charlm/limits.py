"""The largest sizes of a network and of a training, in a configuration, in a checkpoint and in an argument alike."""

MOST_UNITS = 65_536  # of a layer, and the width of an embedding
MOST_LAYERS = 1_000
MOST_SYMBOLS = 0x110000  # all of Unicode
MOST_SIZE = 1_000_000  # of a batch, a window or a sample
MOST_WORKERS = 1_024
MOST_ORDER = 20  # symbols of an n-gram
MOST_COUNT = 10**15  # steps, characters, bytes of a file
MOST_MINUTES = 10_000_000  # 19 years
