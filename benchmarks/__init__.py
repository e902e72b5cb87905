"""Measurements of the program as a whole, and of the models that it scores with: `python -m benchmarks --help`."""
