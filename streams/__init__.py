"""Faust agents and the plain functions ("steps") that they run."""
