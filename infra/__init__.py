"""Runs what Roxy depends on: the broker, the workers, the API; and the command line. Imported by nothing of ours."""
