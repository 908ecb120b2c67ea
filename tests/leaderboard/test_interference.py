"""Figure 2: what is drawn is the mean of what was found."""

from types import SimpleNamespace

import pytest

from cbench.leaderboard.collect import boards
from cbench.leaderboard.interference import by_layer, depth, line, over_time, per_layer, short
from cbench.leaderboard.io import Stored
from cbench.posthoc.interference import Opposed

UP, DOWN, MIDDLE = (
    "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_out.0",
    "down_blocks.1.a.attn1.to_q",
    "mid_block.a.attn1.to_k",
)


def opposed(ratio: float, share: float = 0.5) -> Opposed:
    return Opposed(ratio**2 * 4, 4.0, round(share * 100), 100, 3 * ratio**2 * 4, 150, 200)


def pairs(scale: float) -> dict:
    """Three tasks; layer `DOWN` turns back `scale` a task learned since, layer `UP` nothing."""
    lags = {(i, j): j - i for i in (1, 2) for j in range(i + 1, 4)}
    return {pair: {DOWN: opposed(scale * lag, 0.1 * lag), UP: opposed(0, 0)} for pair, lag in lags.items()}


def board_of(records: SimpleNamespace, *methods: str) -> object:
    return boards([Stored(r.file_name, r) for r in records.grid(methods)])[0]


def test_line_is_the_mean_over_tasks_and_the_spread_over_runs() -> None:
    found = line({(0, 0): pairs(0.2), (0, 5): pairs(0.4)}, "ratio")
    half = 0.5**0.5  # two layers of equal update: the norms add in squares
    assert {lag: point.mean for lag, point in found.items()} == {
        1: pytest.approx(0.3 * half),
        2: pytest.approx(0.6 * half),
    }
    assert found[1].std == pytest.approx(0.1 * half) and found[1].n == 2
    assert line({(0, 0): pairs(0.2)}, "share")[2].mean == pytest.approx(0.1)
    assert line({(0, 0): pairs(0.2)}, "study_ratio")[1].mean == pytest.approx(2 * 0.2 * half)
    assert line({(0, 0): pairs(0.2)}, "study_share")[1].mean == pytest.approx(0.75)


def test_a_task_that_moved_nothing_is_left_out() -> None:
    still = {(1, 2): {DOWN: Opposed(0, 0, 0, 0)}}
    assert line({(0, 0): still}, "ratio") == {} and by_layer({(0, 0): still}, "share") == {}


def test_by_layer_is_of_the_end_of_the_stream() -> None:
    assert by_layer({(0, 0): pairs(0.2)}, "ratio") == {DOWN: pytest.approx(0.3), UP: 0}


def test_layers_stand_in_the_order_of_the_unet() -> None:
    ten = "up_blocks.0.attentions.0.transformer_blocks.10.attn1.to_q"
    two = ten.replace(".10.", ".2.")
    assert sorted([UP, ten, two, MIDDLE, DOWN], key=depth) == [DOWN, MIDDLE, two, ten, UP]
    assert short(UP) == "up 1.0.0 attn2 out" and short(DOWN) == "down 1 attn1 q"


def test_over_time_draws_every_method(records: SimpleNamespace) -> None:
    found = {"magmax": {(0, 0): pairs(0.1)}, "naive": {(0, 0): pairs(0.2)}}
    figure = over_time(board_of(records, "naive", "magmax"), found)
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["magmax", "naive"]
    assert list(figure.axes[3].lines[0].get_ydata()) == pytest.approx([0.05, 0.1])
    assert list(figure.axes[1].lines[0].get_ydata()) == pytest.approx([0.75, 0.75])


def test_per_layer_names_few_layers_and_only_the_blocks_of_many(records: SimpleNamespace) -> None:
    board = board_of(records, "naive")
    few = per_layer(board, {"naive": {(0, 0): pairs(0.2)}})
    assert [t.get_text() for t in few.axes[0].get_yticklabels()] == ["down 1 attn1 q", "up 1.0.0 attn2 out"]
    layers = {
        f"{block}_blocks.0.attentions.{k}.attn1.to_q": opposed(0.1)
        for block in ("down", "up")
        for k in range(60)
    }
    many = per_layer(board, {"naive": {(0, 0): {(1, 2): layers}}})
    assert [t.get_text() for t in many.axes[0].get_yticklabels()] == ["down_blocks.0", "up_blocks.0"]
