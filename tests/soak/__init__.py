"""`python -m tests.soak`: the whole checklist, run many times, in what makes a test that leans on luck fall."""
