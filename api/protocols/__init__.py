"""Other protocols than our own, rendered from the same records: OpenAI's two, the AI SDK's stream for user interfaces, MCP."""
