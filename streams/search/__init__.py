"""Search: a question to the chunks found for it. `streams/search/search.py` is the way through; each other file is one stage of it."""
