"""The recorder: eBPF uprobes on a Go runtime, to rotating Parquet files."""

__all__ = ["__version__"]

__version__ = "0.1.0"
