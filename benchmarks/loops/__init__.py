"""How fast event loops are beside asyncio's, the same work on each: `python -m benchmarks.loops`."""
