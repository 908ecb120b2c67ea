"""Whatever a record says is text: no control character, no HTML and no markdown of its own reaches an
output."""

import json
import re

import pytest

EVIL = (
    "\x1b]0;owned\x07\x1b[31m<script>alert(1)</script> | `x` **b** [l](http://e) ![i](j)\n# "
    "head\r\u202e\u200b\x9b2J\x00"
)
WORDS = [
    ["leaderboard"],
    ["leaderboard", "--stats"],
    ["show", "RUN"],
    ["compare", "RUN", "RUN2"],
    ["compare", "DIR", "DIR"],
    ["check", "--baseline", "BASE"],
]
WORDS += [
    ["check", "--baseline", "BASE", "--markdown"],
    ["check", "--baseline", "BASE", "--json"],
    ["leaderboard", "--json"],
    ["show", "RUN", "--json"],
]
WORDS += [
    ["compare", "RUN", "RUN2", "--json"],
    ["ls", "runs", "--results", "DIR"],
    ["ls", "runs", "--results", "DIR", "--json"],
    ["verify", "--results", "DIR"],
]


@pytest.fixture
def evil(hostile, tmp_path):
    """Two runs whose every free text is hostile."""
    build = hostile.build
    provenance = {
        "cbench": EVIL,
        "commit": EVIL,
        "packages": {EVIL: EVIL},
        "device": EVIL,
        "precision": EVIL,
        "created": EVIL,
    }
    records = [
        build.make_record(
            "naive", seed=seed, title=EVIL, options={EVIL: EVIL, "b": True}, digest=EVIL, suite_digest=EVIL
        )
        for seed in (0, 5)
    ]
    texts = [json.loads(record.model_dump_json()) | {"provenance": provenance} for record in records]
    home = tmp_path / "results" / "records"
    home.mkdir(parents=True)
    for record, text in zip(records, texts, strict=True):
        (home / record.file_name).write_text(json.dumps(text))
    return home.parent


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_output(cli, hostile, evil, tmp_path, words):
    one, two = sorted(evil.glob("records/*"))
    assert cli("check", evil, "--baseline", tmp_path / "b.json", "--update")[0] == 0
    places = {"RUN": one, "RUN2": two, "DIR": evil, "BASE": tmp_path / "b.json"}
    more = [evil] if words[0] in ("leaderboard", "check") else []
    code, out, error = cli(*(places.get(word, word) for word in words), *more)
    assert code == 0, error
    assert not hostile.dirty(out + error), repr(hostile.dirty(out + error))
    if "--json" in words:
        assert json.loads(out) is not None
    assert "\n# head" not in out and "\n| `x`" not in out


def test_page_holds_no_markup_of_a_record(cli, evil):
    output = cli("leaderboard", evil, "--stats")[1]
    for line in output.replace("\\`", "").splitlines():
        outside = re.sub(r"\\.", "", "".join(line.split("`")[::2]))  # a code span shows what it holds
        assert "<script" not in outside and "](" not in outside and not line.startswith("# head")
    assert all(line.count("|") == lines[0].count("|") for lines in tables(output) for line in lines)


def tables(text: str) -> list[list[str]]:
    """The blocks of lines that begin with a bar; escaped bars do not count."""
    blocks = [block.splitlines() for block in text.replace("\\|", "").split("\n\n")]
    return [block for block in blocks if block[0].startswith("|")]


def test_figures_hold_no_script(cli, evil, tmp_path):
    assert cli("figures", evil, "-o", tmp_path / "pictures")[0] == 0
    for path in (tmp_path / "pictures").glob("*.svg"):
        assert "<script" not in path.read_text() and "/" not in path.name


def test_unreadable_record_is_named_in_plain_text(cli, hostile, evil, tmp_path):
    (evil / "records" / "evil.json").write_text(json.dumps({"schema_version": 1, EVIL: 1}))
    code, out, error = cli("leaderboard", evil)
    assert code == 2 and not hostile.dirty(out + error) and error.count("\n") == 1


def test_log_of_a_job_is_shown_in_plain_text(cli, hostile, tmp_path, monkeypatch):
    from cbench.jobs.job import Job

    monkeypatch.setenv("PATH", "/nowhere")  # no queue is asked
    words = ("run",)
    job = Job(
        chain="a",
        method="m",
        track="t",
        track_digest="d",
        code="c",
        words=words,
        out=str(tmp_path),
        tasks=1,
        executor="slurm",
        id="7",
    )
    job.save()
    job.log.parent.mkdir(parents=True)
    job.log.write_text(f"fine\n{EVIL}\ncbench: {EVIL}", encoding="utf-8", errors="replace")
    for words in (["logs"], ["status"]):
        code, out, error = cli(*words, "--results", tmp_path)
        assert code in (0, 3) and "owned" in out and not hostile.dirty(out + error)
