"""Insights: figures over answers and what people said of them, folded from the log when somebody asks."""
