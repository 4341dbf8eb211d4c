"""What the backends share that ask an OpenAI-compatible endpoint."""
