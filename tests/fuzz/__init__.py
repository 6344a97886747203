"""Input that nobody would write: each is told in a clear line, or does what it says."""
