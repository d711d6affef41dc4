"""What gtrace knows of Go: the static side, read from the binary alone.

`open_binary` is where to start.
"""

from gtrace_rec.goruntime.binary import AllGs, GoBinary, open_binary
from gtrace_rec.goruntime.offsets import Offsets
from gtrace_rec.goruntime.pclntab import Frame, Function, FunctionTable
from gtrace_rec.goruntime.versions import SUPPORTED

__all__ = [
    "SUPPORTED",
    "AllGs",
    "Frame",
    "Function",
    "FunctionTable",
    "GoBinary",
    "Offsets",
    "open_binary",
]
