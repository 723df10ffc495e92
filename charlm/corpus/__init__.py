"""A corpus: files of text, read once and held as the numbers of their characters, in three parts."""
