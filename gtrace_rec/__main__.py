"""`python -m gtrace_rec` is `gtrace-rec`."""

from gtrace_rec.commands import main

main()
