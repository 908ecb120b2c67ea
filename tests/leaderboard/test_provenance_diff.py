"""Where runs come from."""

from cbench.leaderboard import provenance_diff as origin


def test_many_values_are_cut_and_control_characters_go() -> None:
    assert origin.side(["a", "b\x1b[2J", "c", "d", "e"]) == "a, b[2J, c and 2 more"
