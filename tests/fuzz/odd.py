"""Odd values: what the fuzzing makes its files and options of."""

from hypothesis import strategies as st

from fixtures.lines import is_one_line

# What ends lines, turns text round, is looked at twice, or is long.
SPECIAL = [
    "", " ", "\n", "\r", "\t", "\x00", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ufeff", "'", '"', "\\", "%s", "{}",
    "{x}", "🜲", "ﬁ", "é", "x" * 5_000, "9" * 5_000, "-1", "NaN", "__class__",
]  # fmt: skip
texts = st.one_of(st.sampled_from(SPECIAL), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([0, True, False, 10**4_000]))


def is_clear(line: str) -> bool:
    """Whether a reader can take a line in: it is one, and ends."""
    return is_one_line(line) and 0 < len(line) <= 1_000
