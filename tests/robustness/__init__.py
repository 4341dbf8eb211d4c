"""Robustness: traffic under faults, what everybody saw and what the log holds written to files, and rules that are held against these files."""
