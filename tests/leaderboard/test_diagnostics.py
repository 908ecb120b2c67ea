"""The measures beside the concept scores, as numbers and as text."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.leaderboard.collect import boards
from cbench.leaderboard.diagnostics import confusion, gain_over_untrained, leakage, measures, section
from cbench.leaderboard.io import Stored
from cbench.leaderboard.page import data, page
from cbench.leaderboard.run_text import run_data, run_text
from cbench.leaderboard.summaries import forward_transfer
from cbench.record.diagnostics import Diagnostics, MetricDiagnostics
from cbench.record.files import parse_record
from cbench.record.record import Record, Scores

number = st.floats(-1, 1)


@st.composite
def besides(draw: st.DrawFn) -> MetricDiagnostics:
    tasks = draw(st.integers(1, 5))
    row = st.tuples(*[number] * tasks)
    return MetricDiagnostics(
        kept=draw(st.none() | number),
        leakage=draw(row),
        leakage_base=draw(row),
        confusion=draw(st.tuples(*[row] * tasks)),
        mistaken=draw(st.tuples(*[st.floats(0, 1)] * tasks)),
        before=draw(st.just(()) | st.tuples(*[number] * (tasks - 1))),
    )


def measured(record: Record, digest: str = "d") -> Record:
    tasks = record.learned
    beside = MetricDiagnostics(
        kept=0.75,
        leakage=(0.5,) * tasks,
        leakage_base=(0.25,) * tasks,
        confusion=((0.125,) * tasks,) * tasks,
        mistaken=(0.5,) * tasks,
        before=(0.625,) * (tasks - 1),
    )
    found = Diagnostics(
        digest=digest,
        alignment=(0.3,) * tasks,
        alignment_base=(0.2,) * tasks,
        metrics=dict.fromkeys(record.scores, beside),
    )
    return record.model_copy(update={"companions": found})


@settings(max_examples=50, deadline=None)
@given(besides())
def test_slow_definitions(beside: MetricDiagnostics) -> None:
    tasks = range(len(beside.leakage))
    scores = Scores(base=beside.leakage_base, rows=())
    assert leakage(beside, scores) == pytest.approx(
        sum(beside.leakage[j] - beside.leakage_base[j] for j in tasks) / len(tasks)
    )
    others = [beside.confusion[j][k] for j in tasks for k in tasks if j != k]
    assert confusion(beside, scores) == (pytest.approx(sum(others) / len(others)) if others else None)
    ended = Scores(base=beside.leakage_base, rows=tuple(beside.leakage[: i + 1] for i in tasks))
    kept = [beside.leakage[j + 1] - value for j, value in enumerate(beside.before)]
    assert gain_over_untrained(beside, ended) == (pytest.approx(sum(kept) / len(kept)) if kept else None)
    gains = [value - beside.leakage_base[j + 1] for j, value in enumerate(beside.before)]
    assert forward_transfer(scores, beside.before) == (
        pytest.approx(sum(gains) / len(gains)) if gains else None
    )


def test_worked_example(records: SimpleNamespace) -> None:
    found = measures(measured(records.make_record()))
    assert (found.alignment, found.alignment_base) == (pytest.approx(0.3), pytest.approx(0.2))
    base = records.make_record().scores["mini_dino"].base
    assert found.metrics["mini_dino"]["leakage"] == 0.25
    assert found.metrics["mini_dino"]["forward_transfer"] == pytest.approx(0.625 - sum(base[1:]) / 3)


def test_a_run_shows_them_where_it_has_them(records: SimpleNamespace) -> None:
    bare, full = records.make_record(), measured(records.make_record())
    assert "diagnostics" not in run_text(bare) and "companion_summaries" not in run_data(bare)
    assert "images mistaken ↓ mini_dino" in run_text(full)
    assert run_data(full)["companion_summaries"]["metrics"]["mini_dino"]["kept"] == 0.75


def board(*found: Record) -> list:
    return boards([Stored(Path(record.file_name), record) for record in found])


def test_table_of_methods(records: SimpleNamespace) -> None:
    runs = [measured(r) for r in records.grid(("naive", "magmax"))]
    shown = section(board(*runs)[0])
    assert shown[0] == "### Diagnostics" and "0.750 ± 0.000" in shown[1] and len(shown) == 3
    assert shown[1] in page(board(*runs), stats=True) and shown[0] not in page(board(*runs))
    assert section(board(records.make_record())[0]) == []


def test_the_table_for_programs(records: SimpleNamespace) -> None:
    row = data(board(*[measured(r) for r in records.grid(("naive",))]), stats=True)[0]["rows"][0]
    found = {
        (cell["measure"], cell["metric"]): (cell["mean"], cell["n"]) for cell in row["stats"]["companions"]
    }
    assert found["kept", "mini_dino"] == (0.75, 4)
    assert found["alignment", None] == (pytest.approx(0.3), 4)
    assert data(board(records.make_record()), stats=True)[0]["rows"][0]["stats"]["companions"] == []


def test_measures_taken_otherwise_share_no_column(records: SimpleNamespace) -> None:
    one, two, odd = (records.make_record(order=o, seed=s) for o, s in ((0, 0), (0, 5), (5, 0)))
    shown = section(board(measured(one), measured(two), measured(odd, "other"))[0])
    assert shown[-1] == "Left out, measured with other settings: 1 of 3 runs."
    assert "| `naive`  |      2 |" in shown[1]


def test_what_was_not_taken_has_no_column(records: SimpleNamespace) -> None:
    full = measured(records.make_record())
    metrics = {
        name: beside.model_copy(update={"base_similarity": None, "before": ()})
        for name, beside in full.companions.metrics.items()
    }
    part = full.model_copy(
        update={"companions": full.companions.model_copy(update={"alignment": (), "metrics": metrics})}
    )
    head = section(board(part)[0])[1].splitlines()[0]
    assert "leakage" in head and not any(word in head for word in ("alignment", "kept", "transfer"))


@pytest.mark.parametrize("field", ["leakage", "leakage_base", "confusion", "mistaken", "before"])
def test_a_damaged_part_is_refused(records: SimpleNamespace, field: str) -> None:
    data = json.loads(measured(records.make_record()).model_dump_json())
    data["companions"]["metrics"]["mini_dino"][field].pop()
    complaint = r"companions\.metrics\.mini_dino: Value error, the diagnostics must have one number for each"
    with pytest.raises(BadInput, match=complaint):
        parse_record(json.dumps(data), "record.json")


def test_measures_of_another_number_of_tasks_are_refused(records: SimpleNamespace) -> None:
    data = json.loads(measured(records.make_record()).model_dump_json())
    for scores in data["scores"].values():
        scores["rows"].pop()
    with pytest.raises(BadInput, match="have different numbers of tasks"):
        parse_record(json.dumps(data), "record.json")


def test_a_measure_of_some_runs_says_of_how_many(records: SimpleNamespace) -> None:
    asked, plain = measured(records.make_record()), measured(records.make_record(seed=5))
    metrics = {
        name: beside.model_copy(update={"before": ()}) for name, beside in plain.companions.metrics.items()
    }
    plain = plain.model_copy(update={"companions": plain.companions.model_copy(update={"metrics": metrics})})
    table = section(board(asked, plain)[0])[1]
    assert table.count("(1 of 2 runs)") == 2 * len(metrics) and "0.750 ± 0.000 |" in table
