"""Results of analyses as text, JSON, CSV and pictures."""
