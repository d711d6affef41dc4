"""Prometheus metrics of a recording while it runs. `Metrics` is where to start."""

from gtrace_rec.metrics.exporter import Metrics

__all__ = ["Metrics"]
