"""The figures: files that can be read again, the same for the same records, whatever the names."""

from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from cbench.errors import BadInput
from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.figures import draw, first_task, heatmap, length, tradeoff
from cbench.leaderboard.io import Stored
from cbench.leaderboard.plot_style import LONGEST, PANEL, columns, styles


def board_of(records: list) -> Board:
    return boards([Stored(Path(r.file_name), r) for r in records])[0]


def test_every_figure_as_svg_and_png(records: SimpleNamespace, tmp_path: Path) -> None:
    written = draw(
        [board_of(records.grid(("base", "naive"), orders=(0,), metrics=("mini_dino",)))], tmp_path / "new"
    )
    names = ("first_task", "tradeoff", "length", "heatmap-mini_dino")
    assert {p.name for p in written} == {
        f"mini-objects-{name}.{suffix}" for name in names for suffix in ("svg", "png")
    }
    assert all(ElementTree.parse(p).getroot().tag.endswith("svg") for p in written if p.suffix == ".svg")
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in written if p.suffix == ".png")


def test_the_same_records_give_the_same_files(records: SimpleNamespace, tmp_path: Path) -> None:
    made = [board_of(records.grid(("naive",), orders=(0,), metrics=("mini_dino",)))]
    one, two = (draw(made, tmp_path / name) for name in ("one", "two"))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_first_task_draws_the_means(records: SimpleNamespace) -> None:
    runs = records.grid(("naive",))
    line = first_task(board_of(runs)).axes[0].lines[0]
    assert list(line.get_xdata()) == [1, 2, 3, 4]
    means = [sum(r.scores["mini_clip_i"].rows[i][0] for r in runs) / len(runs) for i in range(4)]
    assert list(line.get_ydata()) == pytest.approx(means)


def test_length_draws_the_summaries_of_the_first_tasks(records: SimpleNamespace) -> None:
    runs = records.grid(("base", "naive"), metrics=("mini_dino",))
    score, forgetting, cost = length(board_of(runs)).axes[:3]
    naive = next(line for line in score.lines if line.get_label() == "naive")
    rows = [r.scores["mini_dino"].rows for r in runs if r.method.name == "naive"]
    means = [sum(sum(row[k]) / (k + 1) for row in rows) / len(rows) for k in range(4)]
    assert list(naive.get_ydata()) == pytest.approx(means)
    assert [line.get_label() for line in forgetting.lines if len(line.get_xdata()) == 4] == ["naive"]
    assert len(cost.lines[-1].get_ydata()) == 4


def test_heatmap_leaves_the_upper_triangle_out(records: SimpleNamespace) -> None:
    shown = heatmap(board_of([records.make_record()]), "mini_dino").axes[0].images[0].get_array()
    assert shown.mask.sum() == 6
    assert shown[1, 2] == pytest.approx(records.make_record().scores["mini_dino"].rows[2][1])


def test_tradeoff_of_single_runs_has_no_intervals(records: SimpleNamespace) -> None:
    figure = tradeoff(board_of([records.make_record("base"), records.make_record("naive")]))
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["base", "naive"]


def test_hostile_and_hidden_names_are_shown(records: SimpleNamespace, tmp_path: Path) -> None:
    odd = [
        records.make_record("_hidden"),
        records.make_record("naive", options={"cost": "$x^{$", "esc": "\x1b[2J"}),
    ]
    draw([board_of(odd)], tmp_path)
    names = [t.get_text() for t in first_task(board_of(odd)).legends[0].get_texts()]
    assert names[0] == " _hidden"
    assert "\x1b" not in names[1]


def test_twenty_methods_look_different(records: SimpleNamespace) -> None:
    drawn = styles(board_of([records.make_record(f"m{k}") for k in range(20)]))
    assert len(set(drawn.values())) == 20


LONG = ("a_method_with_quite_a_long_name", "another_method_with_a_long_name", "experience_replay")


@pytest.mark.parametrize("metrics", [("mini_dino",), ("mini_clip_i", "mini_dino")])
def test_legend_lies_within_the_picture(records: SimpleNamespace, metrics: tuple[str, ...]) -> None:
    """Many and long names: every word of the legend is on the page, and the panels keep their height."""
    board = board_of(records.grid(("base", "naive", *LONG), orders=(0,), metrics=metrics))
    figure = first_task(board)
    figure.canvas.draw()
    box, page = figure.legends[0].get_window_extent(), figure.bbox
    assert box.x0 >= page.x0 and box.x1 <= page.x1 and box.y0 >= page.y0
    assert all(ax.get_window_extent().height > 0.5 * PANEL * figure.dpi for ax in figure.axes)


def test_a_name_without_end_is_cut_and_never_clipped(records: SimpleNamespace, tmp_path: Path) -> None:
    """Wider than its figure, the legend widens the picture."""
    from matplotlib.image import imread

    board = board_of([records.make_record("naive", options={"note": "x" * 300}, metrics=("mini_dino",))])
    words = first_task(board).legends[0].get_texts()[0].get_text()
    assert len(words) == LONGEST and words.startswith("naive(note=x") and words.endswith("x)")
    draw([board], tmp_path)
    assert imread(tmp_path / "mini-objects-first_task.png").shape[1] > PANEL * 200


def test_columns_of_a_legend() -> None:
    assert columns(["naive"] * 4, 6.8) == 4
    assert columns(["x" * 30] * 4, 6.8) == 2
    assert columns(["x" * 300] * 4, 6.8) == columns([], 6.8) == 1


def test_the_study_s_methods_look_the_same_on_every_board(records: SimpleNamespace) -> None:
    few, many = (
        styles(board_of([records.make_record(m) for m in names]))
        for names in (("naive", "ortho_init"), ("a", "b", "naive", "ortho_init"))
    )
    assert (few["naive"], few["ortho_init"]) == (many["naive"], many["ortho_init"])


def test_base_model_has_no_band(records: SimpleNamespace) -> None:
    assert len(first_task(board_of(records.grid(("base",), metrics=("mini_dino",)))).axes[0].collections) == 0
    assert (
        len(first_task(board_of(records.grid(("naive",), metrics=("mini_dino",)))).axes[0].collections) == 1
    )


def test_nothing_complete_and_nowhere_to_write(records: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no complete run"):
        draw([board_of([records.make_record(learned=1)])], tmp_path)
    (tmp_path / "file").write_text("kept")
    with pytest.raises(BadInput, match="figures cannot be written"):
        draw([board_of([records.make_record()])], tmp_path / "file")


def test_several_protocols_of_one_name_would_overwrite_each_other(
    records: SimpleNamespace, tmp_path: Path
) -> None:
    two = [board_of([records.make_record(digest=d * 64)]) for d in "ab"]
    with pytest.raises(BadInput, match="choose one with --track"):
        draw(two, tmp_path)
