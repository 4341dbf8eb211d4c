"""HTTP in, records out; a session's records out as server-sent events. Sees only schemas and the two log ports."""
