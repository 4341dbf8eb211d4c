"""Faults: what is broken in a run, when, and how it is healed. `schedule.py` says when; the other files how."""
