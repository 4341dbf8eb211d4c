"""Ports and their backends: one folder per port, base.py says what it guarantees, one file per backend."""
