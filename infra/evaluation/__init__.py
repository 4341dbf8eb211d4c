"""`roxy eval` and `roxy tune`: how good retrieval is on a judged collection, and which settings make it better there."""
