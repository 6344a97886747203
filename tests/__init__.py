"""The proof that `fixtures/` works, and the mutants: worlds in which a claim is false."""
