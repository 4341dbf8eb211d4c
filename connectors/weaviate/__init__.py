"""Weaviate: what both indexes that lie there share, as connectors/kafka is what both logs share. The one folder that imports its client."""
