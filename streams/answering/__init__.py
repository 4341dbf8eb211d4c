"""Answering: what stands between the chunks found and the model: who answers, in what words, with what of the conversation, and what of the
answer holds. `streams/answering/brief.py` is the way through; each other file is one stage of it. Called by streams/steps.py."""
