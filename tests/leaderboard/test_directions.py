"""A metric of which lower is better: negating a metric and its direction leaves ranks, gains and tests as
they were."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.leaderboard.baseline import make, read
from cbench.leaderboard.check import check
from cbench.leaderboard.collect import boards
from cbench.leaderboard.compare_runs import same_protocol
from cbench.leaderboard.figures import first_task, heatmap, tradeoff
from cbench.leaderboard.io import Stored
from cbench.leaderboard.page import data, page
from cbench.leaderboard.published import published
from cbench.leaderboard.run_text import run_text
from cbench.leaderboard.summaries import SUMMARIES, forward_transfer, normalised_score, summarise
from cbench.leaderboard.table import Column, build_table, columns_of, differences, places
from cbench.record.files import parse_record, record_text
from cbench.record.record import Scores
from cbench.scale import Scale

POINTS = Scale(unit="points", better="higher", low=-10, high=10)
score = st.floats(-10, 10)
LEVELS = {name for name, summary in SUMMARIES.items() if summary.level}


@st.composite
def matrices(draw, tasks=4):
    rows = tuple(tuple(draw(score) for _ in range(i + 1)) for i in range(tasks))
    return Scores(base=tuple(draw(score) for _ in range(tasks)), rows=rows, scale=POINTS)


def negated(scores):
    """The same matrix as a distance."""
    scale = scores.scale
    turned = Scale(unit=scale.unit, better="lower", low=-scale.high, high=-scale.low)
    return Scores(
        base=tuple(-v for v in scores.base),
        rows=tuple(tuple(-v for v in row) for row in scores.rows),
        scale=turned,
    )


@settings(max_examples=50, deadline=None)
@given(matrices(), matrices(), st.lists(score, min_size=3, max_size=3))
def test_gains_and_losses_stay_and_levels_turn(scores, joint, before):
    one, two = summarise(scores), summarise(negated(scores))
    for name, value in one.items():
        expected = -value if name in LEVELS else value
        assert two[name] == expected or two[name] == pytest.approx(expected, abs=1e-9), name
    assert normalised_score(negated(scores), negated(joint)) == normalised_score(scores, joint)
    assert forward_transfer(negated(scores), [-v for v in before]) == forward_transfer(scores, before)


@settings(max_examples=20, deadline=None)
@given(st.lists(matrices(), min_size=8, max_size=8))
def test_ranks_tests_and_verdicts_stay(records, matrix):
    def stored(turn):
        runs = [(m, o, s) for m in ("naive", "merge_init") for o in (0, 5) for s in (0, 5)]
        return [
            Stored(f"{m}-{o}-{s}", records.make_record(m, order=o, seed=s, scores={"points": turn(scores)}))
            for (m, o, s), scores in zip(runs, matrix, strict=True)
        ]

    plain, turned = stored(lambda scores: scores), stored(negated)
    tables = [(board, build_table(board, list(SUMMARIES))) for board in (*boards(plain), *boards(turned))]
    (one, first), (two, second) = tables
    marks = differences(first, "naive"), differences(second, "naive")
    for a, b in zip(columns_of(one, SUMMARIES), columns_of(two, SUMMARIES), strict=True):
        assert places(first.rows, a) == places(second.rows, b), a
        left, right = (found.get(("merge_init", c)) for found, c in zip(marks, (a, b), strict=True))
        assert (left is None) == (right is None)
        if left and right:
            sign = -1 if a.summary in LEVELS else 1
            assert right.difference.mean == pytest.approx(sign * left.difference.mean, abs=1e-9)
            assert right.p_adjusted == left.p_adjusted and right.significant == left.significant
    swapped = [[*runs[4:], *runs[:4]] for runs in (plain, turned)]
    verdicts = []
    for runs, other in zip((plain, turned), swapped, strict=True):
        changed = [
            s._replace(record=s.record.model_copy(update={"scores": o.record.scores}))
            for s, o in zip(runs, other, strict=True)
        ]
        verdicts.append([(o.verdict, o.largest) for o in check(make(runs), changed)])
    assert verdicts[0] == verdicts[1]


def test_worked_example():
    """A distance that falls is a gain; that it rises again is forgetting."""
    kid = Scale(unit="MMD² x 1000", better="lower")
    scores = Scores(base=(40, 50), rows=((10,), (16, 20)), scale=kid)
    values = summarise(scores)
    assert values["average_score"] == 18 and values["average_forgetting"] == 3
    assert values["forgetting_earlier"] == 6 and values["backward_transfer"] == -6
    assert values["gain_earlier"] == 24 and values["gain_retained"] == pytest.approx(54 / 60)


@pytest.fixture
def distances(records):
    """A board with a cosine and a distance."""
    made = records.grid(("base", "naive", "merge_init"))
    return [
        Stored(
            r.file_name, r.model_copy(update={"scores": r.scores | {"kid": _distance(r.scores["mini_dino"])}})
        )
        for r in made
    ]


def _distance(scores):
    def far(value):
        return 100 * (1 - value)

    kid = Scale(unit="MMD² x 1000", better="lower", low=0)
    rows = tuple(tuple(map(far, row)) for row in scores.rows)
    return Scores(base=tuple(map(far, scores.base)), rows=rows, scale=kid)


def test_page_and_data_say_the_direction(distances):
    found = boards(distances)
    text = page(found, stats=True)
    assert (
        "score kid ↓" in text
        and "forgetting kid ↓" in text
        and "score mini\\_dino ↑" in text.replace("mini_dino", "mini\\_dino")
    )
    assert "`kid`: MMD² x 1000; lower is better." in text and "`mini_dino`: " not in text
    metrics = data(found)[0]["metrics"]
    assert metrics["kid"]["better"] == "lower" and metrics["mini_dino"]["unit"] == "cosine similarity"
    best = {
        cell["metric"]: row["method"]
        for row in data(found)[0]["rows"]
        for cell in row["cells"]
        if cell["summary"] == "average_score" and cell["place"] == 1
    }
    assert best["kid"] == best["mini_dino"], "the nearest is the most alike"


def test_a_record_and_its_text_keep_the_scale(distances):
    record = distances[0].record
    again = parse_record(record_text(record), "r.json")
    assert again == record and again.scores["kid"].scale.better == "lower"
    text = run_text(record)
    assert "kid: score in MMD² x 1000, lower is better" in text and "score ↑ ↑ ↓" in text


def test_axes_say_unit_and_direction(distances):
    board = boards(distances)[0]
    axes = {ax.get_title(): ax for ax in tradeoff(board).axes}
    assert axes["kid"].get_ylabel() == "average score in MMD² x 1000 (lower is better)"
    assert axes["mini_dino"].get_ylabel() == "average score (higher is better)"
    assert "MMD² x 1000" in {ax.get_title(): ax.get_ylabel() for ax in first_task(board).axes}["kid"]
    maps = {m: heatmap(board, m).axes[0].images[0].get_cmap().name for m in ("kid", "mini_dino")}
    assert maps == {"kid": "cividis_r", "mini_dino": "cividis"}


def test_two_scales_share_no_column(distances):
    first, *rest = distances
    scores = first.record.scores["kid"]
    other = scores.model_copy(update={"scale": Scale(unit="MMD²", better="lower", low=0)})
    odd = first.record.model_copy(update={"scores": first.record.scores | {"kid": other}})
    with pytest.raises(BadInput, match="metric kid on different scales"):
        boards([Stored("odd.json", odd), *rest])
    with pytest.raises(BadInput, match="metric kid on different scales"):
        same_protocol(odd, first.record)
    gate = check(make(distances), [Stored("odd.json", odd)])
    assert [o.verdict for o in gate if o.verdict != "missing"] == ["incomparable"]


def test_the_gate_measures_a_metric_without_bounds_in_its_own_size(records):
    """A baseline of one run: 5 % of the largest number, as 0.05 for a cosine."""
    kid = Scale(unit="MMD", better="lower")
    big = Scores(base=(200.0, 100.0), rows=((50.0,), (60.0, 40.0)), scale=kid)
    record = records.make_record(tasks=2, scores={"kid": big})
    made = make([Stored("a.json", record)]).tolerances[0]
    assert made.rows == ((10.0,), (10.0, 10.0)) and made.summaries["average_score"] == 4
    assert made.summaries["gain_retained"] == 0.1
    worse = big.model_copy(update={"rows": ((50.0,), (71.0, 40.0))})
    outcome = check(
        make([Stored("a.json", record)]),
        [Stored("b.json", records.make_record(tasks=2, scores={"kid": worse}))],
    )[0]
    assert outcome.verdict == "worse" and outcome.beyond[0].gain < 0


def test_a_distance_has_no_published_number(distances, monkeypatch):
    from cbench.leaderboard.published import matches

    board = boards(distances)[0]
    paper = published().suites["objects"]
    assert "kid" not in {match.column.metric for match in matches(board, paper)}
    assert Column("average_score", "kid", "lower").about.arrow == "↓"


def test_a_baseline_of_schema_1_is_of_cosines(records, tmp_path):
    baseline = make([Stored(r.file_name, r) for r in records.grid(("naive",))])
    data = json.loads(baseline.model_dump_json()) | {"schema_version": 1}
    for run in data["runs"]:
        for scores in run["scores"].values():
            assert scores.pop("scale")["unit"] == "cosine similarity"
    (tmp_path / "old.json").write_text(json.dumps(data))
    assert read(tmp_path / "old.json") == baseline
