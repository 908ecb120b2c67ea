"""What may be typed wrong: verbs, options, values, folders."""

import pytest

WORDS = [
    (["lederboard"], "No such command 'lederboard'"),
    (["../run"], "No such command"),
    (["\x1b[31mrun"], "No such command"),
    ([""], "No such command ''"),
    (["--verson"], "No such option: --verson"),
    (["run"], "Missing option '--method'"),
    (["run", "--method", "base"], "Missing option '--suite'"),
    (["run", "--method"], "requires an argument"),
    (["run", "--methd", "x"], "No such option: --methd"),
    (["run", "extra", "--method", "base", "--suite", "s"], "unexpected extra argument"),
    (["ls", "method"], "unknown kind 'method'; did you mean 'methods'?"),
    (["ls", "methods", "more"], "unexpected extra argument"),
    (["ls", "\x1b[2J"], "unknown kind"),
    (["ls", "runs", "--results", "nowhere"], "no records in nowhere"),
    (["ls", "--jsn"], "No such option: --jsn"),
    (["show"], "issing argument"),
    (["show", ""], "no run ''"),
    (["show", "nothing"], "no run 'nothing'"),
    (["show", "nothing.json"], "No such file"),
    (["show", "/"], "Is a directory"),
    (["show", "a\0.json"], "null"),
    (["show", "x" * 5000 + ".json"], "File name too long"),
    (["show", "\x1b]0;title\x07/x"], "No such file"),
    (["leaderboard", "nowhere"], "no records in nowhere"),
    (["leaderboard", "--stat"], "No such option: --stat"),
    (["compare", "one"], "issing argument"),
    (["compare", "one", "two"], "no run 'one'"),
    (["compare", "/", "two"], "a folder and a run"),
    (["compare", "/sys", "/sys"], "no records in /sys"),
    (["check"], "Missing option '--baseline'"),
    (["check", "--baseline", "nowhere.json", "nowhere"], "No such file"),
    (["check", "--baseline", "/"], "Is a directory"),
    (["figures", "nowhere"], "no records in nowhere"),
    (["score"], "Missing option '--metric'"),
    (["score", "--metric", "m", "--track", "nowhere.yaml"], "track file nowhere.yaml: No such file"),
    (["score", "--metric", "m", "--track", "../x"], "unknown track '../x'"),
    (["status", "--results", "nowhere"], "no jobs in nowhere"),
    (["logs", "--results", "nowhere"], "no jobs in nowhere"),
    (["logs", "--lines", "0"], "--lines"),
    (["logs", "-n", "many"], "valid integer"),
    (["clean", "--results", "nowhere"], "no store in nowhere"),
    (["clean", "--no"], "No such option: --no"),
    (["verify", "--results", "nowhere"], "no results folder nowhere"),
    (["verify", "x"], "unexpected extra argument"),
]
RUN = [
    (["--method", "bas"], "unknown method 'bas'; did you mean 'base'?"),
    (["--method", ""], "unknown method ''"),
    (["--method", "../base"], "unknown method '../base'"),
    (["--method", "\x1b[31m"], "unknown method"),
    (["--method", "base\nbase"], "unknown method"),
    (["--method", "x" * 10_000], "unknown method"),
    (["--method", "Base"], "unknown method 'Base'; did you mean 'base'?"),
    (["--suite", "colour"], "did you mean 'colours'?"),
    (["--suite", ""], "unknown suite of track tiny ''"),
    (["--suite", "../colours"], "unknown suite"),
    (["--track", ""], "unknown track ''"),
    (["--track", "mimi"], "unknown track 'mimi'"),
    (["--track", "/etc/passwd"], "unknown track"),
    (["--track", "/etc/passwd.yaml"], "No such file"),
    (["--order", "x"], "valid integer"),
    (["--order", "1.5"], "valid integer"),
    (["--order", "3"], "unknown order of track tiny '3'"),
    (["--order=-1"], "unknown order of track tiny '-1'"),
    (["--order", str(10**30)], "unknown order"),
    (["--seed", "x"], "valid integer"),
    (["--seed", "1"], "unknown seed of track tiny '1'"),
    (["--seed", ""], "valid integer"),
    (["--all", "--order", "0"], "--all runs every order; leave out --order"),
    (["--all", "--seed", "0"], "--all runs every seed; leave out --seed"),
    (["--limit-tasks", "0"], "--limit-tasks 0: colours has tasks 1 to 2"),
    (["--limit-tasks", "-1"], "--limit-tasks -1"),
    (["--limit-tasks", "3"], "--limit-tasks 3"),
    (["--limit-tasks", "all"], "valid integer"),
    (["--set", "exact"], "write it as name=value"),
    (["--set", ""], "write it as name=value"),
    (["--set", "=1"], "unknown option of base ''"),
    (["--set", "a=b"], "unknown option of base 'a'"),
    (["--set", "__class__=x"], "unknown option of base '__class__'"),
    (["--set", "name=x"], "unknown option of base 'name'"),
    (["--executor", "slrum"], "unknown executor 'slrum'; did you mean 'slurm'?"),
    (["--executor", ""], "unknown executor ''"),
    (["--workers", "2"], "need --executor slurm or local"),
    (["--partition", "gpu"], "need --executor slurm or local"),
    (["--executor", "local", "--workers", "0"], "workers: Input should be greater than or equal to 1"),
    (["--executor", "local", "--workers", "x"], "valid integer"),
    (["--executor", "slurm", "--gpus", "-1"], "gpus: Input should be greater than or equal to 0"),
    (["--executor", "slurm", "--hours", "0"], "hours: Input should be greater than 0"),
    (["--executor", "slurm", "--hours", "nan"], "hours: Input should be"),
    (["--executor", "slurm", "--hours", "inf"], "hours: Input should be a finite number"),
    (["--executor", "slurm", "--profile", "nowhere.yaml"], "profile nowhere.yaml: No such file"),
    (["--results", "/proc/nothing"], "cannot be written"),
    (["--results", "/dev/null"], "cannot be written"),
    (["--results", "x" * 300], "cannot be written"),
    (["--results", "a\0b"], "null"),
    (["--dry-run", "--dry-runs"], "No such option: --dry-runs"),
    (["--json=yes"], "does not take a value"),
]
PROFILES = [
    ("[]", "top level: should be a mapping"),
    ("partition: 5", "partition: Input should be a valid string"),
    ("cpus: 0", "cpus: Input should be greater"),
    ("cpus: many", "cpus: Input should be a valid integer"),
    ("hours: .nan", "hours: Input should be"),
    ("memory_gb: -1", "memory_gb: Input should be greater"),
    ("nodes: 2", "nodes: Extra inputs"),
    ("setup: module load", "setup: Input should be a valid tuple"),
    ("extra: [a]", "extra: Input should be a valid dictionary"),
    ("extra: {a: [1]}", "extra.a"),
    ("cpus: 1\ncpus: 2", "duplicate key 'cpus'"),
]
JOBS = [
    ("", "is not a valid job file"),
    ("[]", "is not a valid job file"),
    ("null", "is not a valid job file"),
    ("{}", "Field required"),
    ("[" * 100_000, "is not a valid job file"),
    ('{"chain": "../x"}', "may have"),
    ('{"chain": "a", "words": "rm"}', "job "),
]


@pytest.mark.parametrize(("words", "line"), WORDS)
def test_words(refused, tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    refused(words, line)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("more", "line"), RUN)
def test_run(refused, run_words, home, monkeypatch, more, line):
    monkeypatch.chdir(home)
    refused(run_words(*more), line)
    assert not list(home.glob("out/records/*")) and not list(home.glob("out/jobs/*"))


@pytest.mark.parametrize(("text", "line"), PROFILES)
def test_profile(refused, run_words, home, text, line):
    (home / "profile.yaml").write_text(text)
    refused(run_words("--executor", "slurm", "--profile", home / "profile.yaml"), line)


@pytest.mark.parametrize("verb", ["status", "logs"])
@pytest.mark.parametrize(("text", "line"), JOBS)
def test_job_notes(refused, tmp_path, verb, text, line):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.json").write_text(text)
    refused([verb, "--results", tmp_path], line)


def test_no_slurm_here(refused, run_words, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    refused(run_words("--executor", "slurm"), "SLURM rejected the jobs")
