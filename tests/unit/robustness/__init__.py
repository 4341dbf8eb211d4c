"""Tests of tests/robustness: its validators, fed with sound histories and with broken ones."""
