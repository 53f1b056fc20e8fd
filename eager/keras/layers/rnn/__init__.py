"""Recurrent layers: cells, the layers that run them over time, and the wrappers of sequences."""
