"""``python -m gtrace_analyze``."""

from gtrace_analyze.commands import main

main()
