"""Validators: rules that are held against a history. Pure; one noun a file."""
