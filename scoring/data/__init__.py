"""Inputs, chunk files and results: the only room that opens data files."""
