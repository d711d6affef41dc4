"""Scripts for those who work on gtrace; none of them is installed."""
