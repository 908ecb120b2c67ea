"""What a track asks of a machine."""

from cbench.plan import open_track
from cbench.plugins.streams import open_stream
from cbench.preflight.footprint import max_disk, min_memory


def test_a_run_of_three_tasks_stores_nine_cells_of_four_images_at_most(cli, track_file, tmp_path):
    track = open_track(str(track_file))
    most = max_disk(track, "colours", open_stream(track, "colours"))
    assert most == (3 + 6) * 2 * 2 * 64 * 64 * 3
    assert (
        cli(
            "run",
            "--method",
            "naive",
            "--suite",
            "colours",
            "--track",
            track_file,
            "--results",
            tmp_path / "out",
        )[0]
        == 0
    )
    assert sum(path.stat().st_size for path in (tmp_path / "out" / "store" / "images").rglob("*.png")) <= most


def test_weights_that_lie_here_are_counted_and_published_ones_are_known(track_file, sdxl_folder):
    files = sum(path.stat().st_size for path in sdxl_folder.rglob("*") if path.is_file())
    assert min_memory(open_track(str(track_file))) == files
    assert min_memory(open_track("sdxl")) == 13_900_000_000 + 335_000_000
