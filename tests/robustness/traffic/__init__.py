"""Traffic: clients that ask, read, judge, submit, ask again and cancel, each by its own chance, at a rate that does not wait for answers."""
