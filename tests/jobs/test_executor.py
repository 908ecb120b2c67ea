"""Jobs through submitit's own executors: in this process, and in processes of this machine."""

import json
import os
import pickle

import pytest
import submitit
import yaml

from cbench.errors import BadInput, Incomplete
from cbench.jobs import executor, worker
from cbench.jobs.job import job_of, read_jobs
from cbench.jobs.profile import Profile, open_profile
from cbench.plan import plans
from cbench.record.files import read_record


@pytest.fixture
def make_jobs(track_file, tmp_path):
    def make(method="merge_init", every=False):
        asked = plans(str(track_file), "colours", method, {}, None, None, every, None)
        return [job_of(plan, tmp_path / "out", str(track_file), "cpu", "local") for plan in asked]

    return make


def sent(job, tmp_path):
    """The job's exit code, by way of submitit's debug executor."""
    return submitit.AutoExecutor(folder=tmp_path / "log", cluster="debug").submit(job).result()


def test_a_job_is_the_command(make_jobs, tmp_path):
    (job,) = make_jobs()
    assert sent(job, tmp_path) == 0
    assert read_record(tmp_path / "out" / "records" / f"{job.chain}.json").complete


def test_one_job_a_chain(make_jobs):
    jobs = make_jobs(every=True)
    assert [job.chain for job in jobs] == [
        f"tiny-colours-merge_init-o{o}-s{s}" for o in (0, 5) for s in (0, 5)
    ]


def test_code_that_changed_is_refused(make_jobs, tmp_path, capfd):
    (job,) = make_jobs()
    assert sent(job.model_copy(update={"code": "other"}), tmp_path) == 2
    assert "the code changed after this job was submitted; submit it again" in capfd.readouterr().err
    assert not (tmp_path / "out" / "records").exists()


def test_track_that_changed_is_refused(make_jobs, track_values, track_file, tmp_path, capfd):
    (job,) = make_jobs()
    track_values["training"]["steps"] = 4
    track_file.write_text(yaml.safe_dump(track_values))
    assert sent(job, tmp_path) == 2
    assert "changed after this job was submitted" in capfd.readouterr().err


def test_preempted_job_is_requeued_as_itself(make_jobs):
    (job,) = make_jobs()
    assert job.checkpoint().function == job


@pytest.mark.parametrize(
    ("cores", "gpus", "workers", "jobs", "seats", "cpus"),
    [
        (4, 0, None, 9, 4, 1),
        (4, 0, 2, 9, 2, 1),
        (4, 0, 99, 9, 4, 1),
        (16, 2, None, 9, 2, 8),
        (4, 0, None, 1, 1, 1),
        (5, 0, None, 9, 2, 2),
        (2, 0, 9, 9, 1, 4),
    ],
)
def test_never_more_processes_than_cores_or_gpus(monkeypatch, cores, gpus, workers, jobs, seats, cpus):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert len(executor._slots(Profile(workers=workers, cpus=cpus), gpus, jobs)) == seats
    assert os.environ["OMP_NUM_THREADS"] == str(cpus), "whatever the number of workers"


def test_flags_win_over_the_profile(tmp_path):
    (tmp_path / "p.yaml").write_text("partition: gpu\nhours: 2\nextra: {constraint: a100}\n")
    found = open_profile(tmp_path / "p.yaml", {"hours": 3.0, "gpus": 1, "account": None})
    assert (found.partition, found.hours, found.gpus, found.account) == ("gpu", 3.0, 1, None)
    output = executor._slurm(found, 8)
    assert output["timeout_min"] == 180 and output["slurm_array_parallelism"] == 8
    assert (
        output["slurm_additional_parameters"] == {"requeue": True, "constraint": "a100"}
        and "slurm_account" not in output
    )


def test_no_slurm_is_one_line(make_jobs, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BadInput, match="SLURM rejected the jobs"):
        executor.submit(make_jobs(), Profile())


def test_processes_of_this_machine(cli, track_file, tmp_path, plugin, monkeypatch):
    """The base model on every order and seed; the folder then holds what one process of as many threads would
    have made."""
    import torch

    monkeypatch.setenv("PYTHONPATH", str(plugin))
    words = [
        "run",
        "--method",
        "base",
        "--suite",
        "colours",
        "--track",
        track_file,
        "--all",
        "--device",
        "cpu",
    ]
    code, output, error = cli(*words, "--results", tmp_path / "out", "--executor", "local", "--workers", "2")
    assert code == 0 and output.count("done tiny-colours-base") == 4, error
    (threads,) = {read_record(path).provenance.threads for path in (tmp_path / "out" / "records").iterdir()}
    before = torch.get_num_threads()
    torch.set_num_threads(threads)  # another number of threads adds up in another order
    try:
        assert cli(*words, "--results", tmp_path / "alone")[0] == 0
    finally:
        torch.set_num_threads(before)
    for one, two in zip(
        sorted((tmp_path / "out" / "records").iterdir()),
        sorted((tmp_path / "alone" / "records").iterdir()),
        strict=True,
    ):
        assert (
            read_record(one).scores == read_record(two).scores
            and read_record(one).kept == read_record(two).kept
        )
    code, output, _ = cli("status", "--results", tmp_path / "out", "--json")
    assert code == 0 and [s["state"] for s in json.loads(output)] == ["done"] * 4
    assert cli("logs", "--results", tmp_path / "out")[1].count("score 9/9") == 4
    assert len(read_jobs(tmp_path / "out")) == 4


def test_each_process_sees_one_gpu_of_those_that_this_one_may_use(make_jobs, plugin, monkeypatch):
    """Torch's count stands for two GPUs, the second called by its id; the processes are real."""
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-1f")
    jobs = [job.model_copy(update={"words": ("--version",)}) for job in make_jobs("base", every=True)[:2]]
    with pytest.raises(Incomplete, match="2 of 2 runs failed"):  # they only print the version
        executor.run_local(
            jobs, Profile(setup=(f'echo "$CUDA_VISIBLE_DEVICES" >> {jobs[0].out}/seen',)), "auto"
        )
    assert sorted((jobs[0].path.parents[1] / "seen").read_text().split()) == [
        "3",
        "GPU-1f",
    ]


def test_the_record_is_believed_and_no_process(make_jobs, plugin):
    """A job whose process ends well without a record is not done; each submission has a folder of its own,
    and what lies in it is no pickle."""
    (job,) = (job.model_copy(update={"words": ("--version",)}) for job in make_jobs("base"))
    for _ in range(2):
        with pytest.raises(Incomplete, match="1 of 1 runs failed"):
            executor.run_local([job], Profile(), "cpu")
    folders = list((job.path.parent / "log").iterdir())
    assert len(folders) == 2
    for folder in folders:
        (submitted,) = folder.glob("*_submitted.pkl")
        assert json.loads(submitted.read_text())["job"]["words"] == ["--version"]
        assert [json.loads(path.read_text()) for path in folder.glob("*_exit.json")] == [{"code": 0}]
        assert not list(folder.glob("*_result.pkl"))


def test_what_is_no_json_is_refused_and_never_unpickled(tmp_path, monkeypatch, capfd):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "pwned"),)

    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "7_submitted.pkl").write_bytes(pickle.dumps(Trap()))
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "local")
    monkeypatch.setenv("SUBMITIT_LOCAL_JOB_ID", "7")
    monkeypatch.setenv("SUBMITIT_FOLDER", str(folder))
    assert worker.main(["-m", str(folder)]) == 2
    assert "7_submitted.pkl is not text" in capfd.readouterr().err and not (tmp_path / "pwned").exists()


def test_requeued_job_knows_its_timeouts(make_jobs, tmp_path):
    (job,) = make_jobs()
    again = job.checkpoint()
    again.set_timeout(60, 4)
    again.dump(tmp_path / "7_submitted.pkl")
    read = worker.read_submission(tmp_path / "7_submitted.pkl")
    assert (read.function, read._timeout_min, read._timeout_countdown) == (job, 60, 4)


def test_long_names_are_no_hindrance(track_values, tmp_path):
    track_values["name"], track_values["suites"] = "t" * 70, {"s" * 70: track_values["suites"]["colours"]}
    (tmp_path / "long.yaml").write_text(yaml.safe_dump(track_values))
    (plan,) = plans(str(tmp_path / "long.yaml"), "s" * 70, "base", {}, 0, 0, False, None)
    job = job_of(plan, tmp_path / "out", str(tmp_path / "long.yaml"), "cpu", "local").save()
    assert read_jobs(tmp_path / "out") == [job] and len(job.chain) > 140


def test_one_gpu_is_nothing_to_spread_over(make_jobs):
    with pytest.raises(BadInput, match="--device cuda:1: each local process uses one GPU"):
        executor.run_local(make_jobs("base"), Profile(), "cuda:1")


def test_a_chain_that_fails_is_named(cli, track_values, tmp_path, plugin, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(plugin))
    track_values["training"] |= {"learning_rate": 1e30, "max_grad_norm": 1e30}
    (tmp_path / "wild.yaml").write_text(yaml.safe_dump(track_values))
    words = [
        "run",
        "--method",
        "merge_init",
        "--suite",
        "colours",
        "--track",
        tmp_path / "wild.yaml",
        "--device",
        "cpu",
        "--results",
        tmp_path / "out",
    ]
    code, _, error = cli(*words, "--executor", "local")
    assert code == 3 and "1 of 1 runs failed; tiny-colours-merge_init-o0-s0: cbench: the loss is" in error
    code, output, _ = cli("status", "--results", tmp_path / "out")
    assert code == 3 and output.startswith("failed") and "the loss is" in output
