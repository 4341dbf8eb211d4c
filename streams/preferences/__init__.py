"""Preferences: from what people thought of answers to pairs of which one is preferred. Folds of the log, live and by replay the same.

`judgements.py` says what of the feedback counts, `pairs.py` what it makes of a session's answers, `forming.py` is the step that does so live.
"""
