"""The recorder: eBPF uprobes on a Go runtime, to rotating Parquet files."""

from gtrace_rec.schema import TOOL_VERSION as __version__

__all__ = ["__version__"]
