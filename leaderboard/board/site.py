"""The pages of the board: a function of the boards and of the stored images."""

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from cbench.errors import BadInput, CbenchError
from cbench.leaderboard import page
from cbench.leaderboard.board.cards import card
from cbench.leaderboard.board.charts import charts
from cbench.leaderboard.board.libraries import libraries
from cbench.leaderboard.board.pictures import Pictures, pictures
from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.io import Stored
from cbench.leaderboard.markdown import number, span
from cbench.leaderboard.run_text import run_data
from cbench.plan import open_track
from cbench.record.files import split_seal
from cbench.utils.digest import digest_json
from cbench.utils.files import write_file

MARK = ".cbench-board"
"""A file in every folder that this module wrote: such a folder may be replaced."""
LISTED = {"average_score": "score", "average_forgetting": "forgetting"}
STATIC = ("board.css", "board.js")


def slug(*names: str) -> str:
    """A file name for some names, the same for the same names and different for different ones."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(names)).strip("-")[:60]
    return f"{words}-{digest_json(list(names))[:6]}"


def board_slug(board: Board) -> str:
    """The file name of a board's page."""
    return slug(board.track.name, board.suite, board.track.digest, board.suite_digest)


def long_rows(board: Board, data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each method and metric: score and forgetting with interval, place and tie group."""
    for row in data["rows"]:
        label = row["method"]
        about = {
            "suite": board.suite,
            "track": board.track.name,
            "method": label,
            "title": row["title"],
            "regime": row["regime"],
            "family": card(board.entries[label])["family"],
            "runs": row["runs"],
            "complete": row["whole"],
            "page": f"methods/{slug(label)}.html",
        }
        for metric in board.metrics:
            cells = {c["summary"]: c for c in row["cells"] if c["metric"] == metric}
            if cells:
                yield about | {"metric": metric} | _flat(cells)


def _flat(cells: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for summary, name in LISTED.items():
        cell = cells.get(summary, {})
        low, high = cell.get("interval") or (None, None)
        flat |= {name: cell.get("mean"), f"{name}_std": cell.get("std")}
        flat |= {f"{name}_low": low, f"{name}_high": high}
        flat |= {f"{name}_place": cell.get("place"), f"{name}_group": cell.get("group")}
    return flat


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [name for name in rows[0] if name != "page"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cbench.leaderboard.board"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"number": number, "span": lambda pair: span(tuple(pair)) if pair else ""}
    return environment


def _resolution(board: Board) -> int | None:
    try:
        return open_track(board.track.name).backbone.resolution
    except CbenchError:
        return None


def _pictures(board: Board, stored: Sequence[Stored]) -> Pictures:
    side = _resolution(board)
    if side is None:
        return Pictures({"missing": f"track {board.track.name} is not installed"}, {})
    return pictures(board, stored, side, f"pictures/{board_slug(board)}")


def _runs(board: Board, entry: Entry) -> list[dict[str, Any]]:
    """The runs of a method, complete ones first, with the pages that show them."""
    return [
        {"record": r, "suite": board.suite, "page": f"runs/{slug(r.file_name, board.suite_digest)}.html"}
        for r in (*entry.runs.values(), *entry.partial.values())
    ]


def _seal(path: Path) -> str:
    """What the file says of itself: the seal, and whether it matches."""
    text = path.read_text("utf-8")
    rest, matches = split_seal(text)
    if rest == text:
        return "none (the file was written without one)"
    return f"{json.loads(text)['seal']}, " + ("matches the file" if matches else "does NOT match the file")


def build(boards: Sequence[Board], stored: Sequence[Stored], reference: str) -> dict[str, bytes]:
    """File -> content of the whole site."""
    environment = _environment()

    def render(template: str, root: str, title: str, **values: Any) -> bytes:
        text: str = environment.get_template(template).render(root=root, page_title=title, **values)
        return text.encode()

    site: dict[str, bytes] = {f"static/{name}": content for name, content in libraries().items()}
    for name in STATIC:
        site[f"static/{name}"] = (files("cbench.leaderboard.board") / "static" / name).read_bytes()
    names = [{"suite": b.suite, "track": b.track, "page": f"suites/{board_slug(b)}.html"} for b in boards]
    rows, methods = list[dict[str, Any]](), dict[str, list[tuple[Board, Entry]]]()
    paths = {id(one.record): one.path for one in stored}
    tables = page.data(boards, stats=False, reference=reference)
    for board, data in zip(boards, tables, strict=True):
        own, stem, pictures = list(long_rows(board, data)), board_slug(board), _pictures(board, stored)
        rows += own
        drawn = charts(board)
        site |= pictures.files
        site[f"suites/{stem}.html"] = render(
            "suite.html",
            "../",
            f"{board.suite} on {board.track.name}",
            board=board,
            rows=own,
            ceilings=board.ceilings,
            payload=drawn | {"pictures": pictures.about},
            pictures=pictures.about,
            stem=stem,
            boards=names,
        )
        site[f"data/{stem}.json"] = json.dumps(data | {"charts": drawn}, indent=1).encode()
        site[f"data/{stem}.csv"] = _csv(own).encode() if own else b""
        for label, entry in board.entries.items():
            methods.setdefault(label, []).append((board, entry))
            for run in _runs(board, entry):
                record = run["record"]
                data_file = run["page"].replace("runs/", "run-").replace(".html", ".json")
                site[f"data/{data_file}"] = json.dumps(run_data(record), indent=1).encode()
                site[run["page"]] = render(
                    "run.html",
                    "../",
                    record.file_name.removesuffix(".json"),
                    record=record,
                    data_file=data_file,
                    seal=_seal(paths[id(record)]),
                    method_page=f"methods/{slug(label)}.html",
                    boards=names,
                )
    for label, entries in methods.items():
        site[f"methods/{slug(label)}.html"] = render(
            "method.html",
            "../",
            label,
            label=label,
            method=entries[0][1].method,
            card=card(entries[0][1]),
            rows=[row for row in rows if row["method"] == label],
            runs=[run for board, entry in entries for run in _runs(board, entry)],
            boards=names,
        )
    site["index.html"] = render("index.html", "", "Leaderboard", rows=rows, boards=names)
    site["data/all.csv"] = _csv(rows).encode() if rows else b""
    site["data/all.json"] = json.dumps(tables, indent=1).encode()
    return site


def write(site: dict[str, bytes], out: Path) -> None:
    """Write the site to a folder, in place of an earlier board. Raises BadInput for a folder of something
    else."""
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file; name a folder with --out")
    if out.is_dir() and any(out.iterdir()):
        if not (out / MARK).exists():
            raise BadInput(f"{out} is not empty and no board; name a new folder with --out")
        shutil.rmtree(out)
    write_file(out / MARK, "")
    for name, content in site.items():
        write_file(out / name, content)
