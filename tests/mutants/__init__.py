"""Mutants: small worlds, each wrong in one way, in which the claims they name must die by their own assertions."""
