"""Exports: training data from the log, whose every row says which records it was made of. Folds of `feedback` and `answers`, bounded by offsets.

`fold.py` makes the rows of a plan, `columns.py` says what of a row stands in a file, `writing.py` writes the folder, `verification.py` makes the
rows once more and compares. The same plan at the same bounds gives the same bytes.
"""
