"""Every shape that crosses a process boundary. Imports nothing of ours."""
