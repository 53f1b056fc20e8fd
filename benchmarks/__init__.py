"""Side-by-side timings of layerjit, NumPy and other array libraries: `python -m benchmarks`."""
