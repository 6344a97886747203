"""How long the document takes, measured as whole processes: `python -m benchmarks`."""
