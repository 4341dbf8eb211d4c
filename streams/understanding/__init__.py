"""Understanding: a question as asked to what is looked up. `streams/understanding/understand.py` is the way; each other file is one stage."""
