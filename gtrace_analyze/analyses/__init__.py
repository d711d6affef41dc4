"""Questions asked of a recording. Each returns a table or a dataclass and prints nothing."""
