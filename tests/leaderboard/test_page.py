"""The page as text."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.leaderboard.collect import Board, boards, with_ceilings
from cbench.leaderboard.io import Stored
from cbench.leaderboard.page import data, page
from cbench.plan import open_track
from cbench.record.ceilings import Ceiling
from cbench.record.record import Scores

ORDERS = (0, 5, 10, 42)
LOST = Scores(base=(0.5, 0.5), rows=((0.4,), (0.3, 0.4)))


def boards_of(records: list) -> list[Board]:
    return boards([Stored(Path(r.file_name), r) for r in records])


def test_same_records_same_bytes(records: SimpleNamespace) -> None:
    every = records.grid(orders=ORDERS) + records.grid(suite="styles", metrics=("mini_csd", "mini_dino"))
    assert page(boards_of(every), stats=True) == page(boards_of(every[::-1]), stats=True)
    assert json.dumps(data(boards_of(every))) == json.dumps(data(boards_of(every[::-1])))


def test_default_page(records: SimpleNamespace) -> None:
    text = page(boards_of(records.grid(orders=ORDERS)))
    lines = text.splitlines()
    best = next(line for line in lines if "`merge_init` " in line and line.startswith("|"))
    assert best.count("**") == 4
    assert best.count("<u>") == 2
    assert best.count("†") == 4
    assert best.count("[1]") == 2 and best.count("[2]") == 2
    assert "| Base model `base`" in text
    assert "4 shared orders; rotations" in text and "† differs from `naive`" in text
    assert "| *resolution* " in text and "with 80 % power" in text
    assert "Comparison with the published numbers" in text
    assert "All summaries" not in text
    assert "\\*" not in text


def test_stats_page(records: SimpleNamespace) -> None:
    text = page(boards_of(records.grid(orders=ORDERS)), stats=True, reference="magmax")
    for part in (
        "gain retained ↑",
        "gain kept of earlier tasks ↑",
        "95 % intervals of the means (Student's t over orders), mini_dino",
        "Paired differences from `magmax`",
        "p (max-T)",
        "Forgetting beside its noise floor",
        "Shares of",
        "Against stream length, mini_dino",
        "training s",
    ):
        assert part in text
    assert "normalised" not in text


def test_the_gain_retained_is_a_ratio_of_means(records: SimpleNamespace) -> None:
    """A run that gained next to nothing does not decide it; without a gain there is no share of it."""
    gains = ((0.02, 0.4), (-0.3, 0.2), (0.2, 0.42), (0.19, 0.41))
    runs = [
        records.make_record(tasks=2, metrics=("mini_dino",), order=k).model_copy(
            update={"scores": {"mini_dino": Scores(base=(0.0, 0.0), rows=((first,), (end, first)))}}
        )
        for k, (end, first) in enumerate(gains)
    ]
    cells = data(boards_of(runs), stats=True)[0]["rows"][0]["stats"]["summaries"]
    retained = next(cell for cell in cells if cell["summary"] == "gain_retained")
    ends, firsts = sum(e + f for e, f in gains), sum(2 * f for _, f in gains)
    assert retained["mean"] == pytest.approx(ends / firsts)
    assert retained["std"] is None and retained["n"] == 4
    nothing = [r.model_copy(update={"scores": {"mini_dino": LOST}}) for r in runs]
    listed = data(boards_of(nothing), stats=True)[0]["rows"][0]["stats"]["summaries"]
    assert "gain_retained" not in {cell["summary"] for cell in listed}


def test_the_two_readings_of_a_method_are_two_rows_that_say_which_is_which(records: SimpleNamespace) -> None:
    both = [
        records.make_record("ortho_init", title="Ortho", options=o, seed=s)
        for o in ({}, {"sum": "factors"})
        for s in (0, 5)
    ]
    assert len({r.file_name for r in both}) == 4
    made = boards_of([*records.grid(("naive",), orders=(0,)), *both])
    rows = [line for line in page(made).splitlines() if line.startswith("| Ortho")]
    assert [row.split("|")[1].strip() for row in rows] == [
        "Ortho `ortho_init`",
        "Ortho, factors summed `ortho_init(sum=factors)`",
    ]
    assert "`ortho_init(sum=factors)`, factors summed: the factors are summed apart" in page(made)
    assert [(row["method"], row["variant"]) for row in data(made)[0]["rows"]][1:] == [
        ("ortho_init", None),
        ("ortho_init(sum=factors)", "factors summed"),
    ]
    assert "factors summed" not in page(boards_of([*records.grid(("naive",), orders=(0,)), *both[:2]]))


def test_only_the_published_reading_is_held_against_the_published_numbers(records: SimpleNamespace) -> None:
    paper = {"track": "sdxl", "digest": open_track("sdxl").digest, "metrics": ("clip_i", "dino")}
    both = [records.make_record("ortho_init", **paper, options=o) for o in ({}, {"sum": "factors"})]
    text = page(boards_of(both)).split("Comparison with the published numbers")[1]
    assert "`ortho_init`" in text and "sum=factors" not in text


def test_too_few_runs_for_any_mark_are_told(records: SimpleNamespace) -> None:
    few, many = (page(boards_of(records.grid(orders=orders))) for orders in ((0,), ORDERS))
    assert "Too few shared orders (1) to detect a difference from `naive`" in few
    assert "the smallest p that they allow is 1.000" in few and "†" not in few and "**" not in few[500:]
    assert "Too few shared orders" not in many
    flipped = page(boards_of(records.grid(orders=tuple(range(8)), seeds=(0,))))
    assert "8 shared orders; exact sign flips" in flipped and "†" in flipped


def test_shares_of_variance_only_where_there_are_some(records: SimpleNamespace) -> None:
    assert "Shares of the variance" in page(boards_of(records.grid()), stats=True)
    assert "Shares of the variance" not in page(boards_of(records.grid(seeds=(0,))), stats=True)


def test_normalised_between_base_and_joint(records: SimpleNamespace) -> None:
    bounded = boards_of([*records.grid(), records.make_record("joint", regime="oracle")])
    told = {r["method"]: r["stats"]["summaries"] for r in data(bounded, stats=True)[0]["rows"]}
    assert [cell["n"] for cell in told["naive"] if cell["summary"] == "normalised_score"] == [1, 1]
    text = page(bounded, stats=True)
    assert "normalised score ↑" in text
    joint = [line for line in text.splitlines() if line.startswith("| `joint`")]
    assert joint[0].rstrip(" |").endswith("1.000")
    assert "(oracle)" in text


def test_unfinished_rows_are_marked_and_explained(records: SimpleNamespace) -> None:
    every = [r for r in records.grid() if r.method.name != "magmax"]
    text = page(
        boards_of([*every, records.make_record("magmax"), records.make_record("magmax", seed=5, learned=1)])
    )
    assert "`magmax` \\*" in text
    assert "`magmax`: lacks order 5 seed 0, order 5 seed 5; order 0 seed 5 ended after 1 of 4 tasks." in text


def test_the_runs_behind_the_places_are_told_where_the_rows_have_unequal_ones(
    records: SimpleNamespace,
) -> None:
    every = records.grid(("naive", "magmax"), orders=(0,))
    told, plain = boards_of([*every, records.make_record("naive", order=5)]), boards_of(every)
    note = (
        "`magmax`, `naive` are ranked by their means over the runs that all of them have: order 0 seed 0, "
        "order 0 seed 5."
    )
    assert note in page(told)
    assert "are ranked by" not in page(plain)
    assert data(told)[0]["ranked_over"] == {"strict": [(0, 0), (0, 5)]}
    assert "share no complete run" in page(boards_of([every[0], every[-1]]))


def test_a_metric_that_some_runs_lack_says_so(records: SimpleNamespace) -> None:
    rest = [
        *records.grid(("naive",))[:-1],
        records.make_record("naive", order=5, seed=5, metrics=("mini_clip_i",)),
    ]
    assert "(3 runs)" in page(boards_of(rest))


def test_hostile_names_stay_in_their_cells(records: SimpleNamespace) -> None:
    hostile = records.make_record("naive", title="a|b\n<img src=x>\x1b[2J**", options={"note": "x|`\n\u202e"})
    text = page(boards_of([hostile]), stats=True)
    assert "<img" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    rows = [line for line in text.splitlines() if line.startswith("| a")]
    assert [line.replace("\\|", "").count("|") for line in rows] == [7]


def test_a_track_of_the_paper_is_compared_in_numbers(records: SimpleNamespace) -> None:
    runs = records.grid(track="sdxl", digest=open_track("sdxl").digest, metrics=("clip_i", "dino"))
    text = page(boards_of(runs))
    row = next(line for line in text.splitlines() if "0.457 ± 0.011" in line)
    assert [cell.strip() for cell in row.split("|")][4:6] == ["4", "0.457 ± 0.011"]


def test_another_track_of_that_name_is_compared_in_order_alone(records: SimpleNamespace) -> None:
    text = page(boards_of(records.grid(track="sdxl", metrics=("clip_i", "dino"))))
    assert "0.457 ± 0.011" not in text
    assert "this track's digest differs from that of the installed `sdxl`" in text
    assert "published order" in text


def test_scores_above_the_ceiling_are_marked(records: SimpleNamespace) -> None:
    (board,) = boards_of(records.grid(orders=ORDERS))
    tasks = dict.fromkeys(records.make_record().tasks, 0.5)
    known = {"track_digest": board.track.digest, "suite": "objects", "suite_digest": board.suite_digest}
    ceilings = [Ceiling(**known, metric="mini_dino", tasks=tasks)]
    bounded = with_ceilings(board, ceilings)
    text = page([bounded])
    assert "| *ceiling* " in text and text.count("‡") == 2  # merge_init's score, and the legend
    rows = {row["method"]: row["cells"] for row in data([bounded])[0]["rows"]}
    above = [(m, c["metric"]) for m, cells in rows.items() for c in cells if c["above_ceiling"]]
    assert above == [("merge_init", "mini_dino")]
    assert "‡" not in page([board])
    for other in ({"suite": "styles"}, {"suite_digest": "x"}, {"track_digest": "x"}):
        ceiling = Ceiling(**(known | other), metric="mini_dino", tasks=tasks)
        assert with_ceilings(board, [ceiling]).ceilings == {}
    assert with_ceilings(board, [Ceiling(**known, metric="mini_dino", tasks={"task0": 0.5})]).ceilings == {}


def test_data_for_programs(records: SimpleNamespace) -> None:
    board = data(boards_of(records.grid(orders=ORDERS)))[0]
    rows = {row["method"]: row for row in board["rows"]}
    cell = rows["merge_init"]["cells"][0]
    assert board["reference"] == "naive"
    assert (cell["summary"], cell["place"], cell["n"]) == ("average_score", 1, 8)
    assert (cell["group"], cell["ranks"]) == (1, (1, 1))
    assert (cell["difference"]["holds"], cell["difference"]["orders"]) == (True, 4)
    assert [one["orders"] for one in board["resolution"]] == [4] * 4
    assert [c["summary"] for c in rows["base"]["cells"]] == ["average_score"] * 2


def test_a_budget_of_its_own_is_said(records: SimpleNamespace) -> None:
    grid = records.grid(("naive", "merge_init"), orders=(0,))
    longer = [
        r.model_copy(update={"costs": r.costs.model_copy(update={"trained_steps": 440})})
        if r.method.name == "merge_init"
        else r
        for r in grid
    ]
    line = "`merge_init` has a training budget of its own: 440 steps a run"
    assert line in page(boards_of(longer)) and "budget of its own" not in page(boards_of(grid))
