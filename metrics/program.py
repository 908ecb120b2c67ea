"""A metric as a program in an environment of its own: packages that pin other versions are no reason to leave
a metric out.

cbench starts the program once a run and writes one request a line to its standard input, a JSON object. The
program answers each with one line on its standard output, a JSON object, and ends when its input ends. It
loads its model once, before its first answer. A program that answers once and ends with exit code 0 is
started again for the next request. Lines of output that are no JSON objects are ignored; the last line on
standard error is shown if the program fails. The three requests, and the answers:

{"images": [path, ..], "prompts": [text, ..], "device": "cpu"} -> {"scores": [number, ..]}
{"images": [path, ..], "others": [path, ..], "paired": false, "device": "cpu"} -> {"score": number}
{"images": [path, ..], "device": "cpu"} -> {"embeddings": [[number, ..], ..]}

Paths lead to PNG files, RGB, which are gone after the answer. An answer {"error": text} ends the run with
that text."""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, ClassVar

import numpy as np
from PIL import Image

from cbench.errors import BadInput
from cbench.scale import Scale
from cbench.utils.digest import digest_file, digest_json
from cbench.utils.interrupt import check_interrupt
from cbench.utils.text import one_line

TICK = 0.2
"""Seconds between two looks at whether the user wants to stop."""
OURS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
"""Variables that would lead the program's interpreter to the packages of this one."""


class ProgramMetric:
    """The base of the three kinds below. A subclass names the program; nothing of it is imported."""

    name: ClassVar[str]
    title: ClassVar[str]
    scale: ClassVar[Scale]
    folder: ClassVar[Path]
    """The program's folder: it runs there."""
    command: ClassVar[tuple[str, ...]]
    """The program and its arguments: `(".venv/bin/python", "score.py")`. A first word with a slash is a path
    in the folder, or absolute; without, it is searched in PATH."""
    files: ClassVar[tuple[str, ...]]
    """The files of the folder that decide the numbers: the script, and the versions of its packages. Their
    content is the metric's digest."""
    setup: ClassVar[str] = "create its environment"
    """What a user is to do if the program is missing, for the error."""
    seconds: ClassVar[float] = 600
    """The time limit of an answer; the first one includes loading the model."""

    def __init__(self, device: str) -> None:
        self.device = device
        self._program = Program(f"metric {self.name}", self._words(), self.folder)
        self.digest  # noqa: B018 - a missing file is reported now

    @cached_property
    def digest(self) -> str:
        """Identity of the program: its command and the content of its files. BadInput if one is missing."""
        try:
            contents = {name: digest_file(self.folder / name) for name in sorted(self.files)}
        except OSError as error:
            raise BadInput(
                f"metric {self.name}: {error.filename} cannot be read: {error.strerror}; it is one of the "
                "program's files"
            ) from error
        return digest_json([self.name, self.command, contents])

    def _words(self) -> list[str]:
        first, *rest = self.command
        path = str(self.folder / first) if "/" in first else shutil.which(first)
        if not path or not Path(path).is_file() or not os.access(path, os.X_OK):
            raise BadInput(f"metric {self.name}: its program {path or first} is not there; {self.setup}")
        return [path, *rest]

    def ask(self, key: str, request: dict[str, Any], **images: Sequence[Image.Image]) -> Any:
        """The value under `key` of the program's answer; the images are handed over as files. Raises
        BadInput, in one line, if the program ends, does not answer in time, or answers without the key."""
        with _as_files(images) as paths:
            answer = self._program.ask({**paths, **request, "device": self.device}, self.seconds)
        if "error" in answer:
            raise BadInput(f"metric {self.name}: its program says: {one_line(answer['error'])}")
        if key not in answer:
            given = one_line(json.dumps(answer), 100)
            raise BadInput(f"metric {self.name}: its program answered without {key!r} ({given})")
        return answer[key]

    def ask_numbers(
        self, key: str, count: int, request: dict[str, Any], **images: Sequence[Image.Image]
    ) -> Any:
        """`ask` for a list of `count` values; BadInput for another number of them."""
        values = self.ask(key, request, **images)
        if not isinstance(values, list) or len(values) != count:
            size = len(values) if isinstance(values, list) else "no list of"
            raise BadInput(f"metric {self.name}: its program returned {size} {key} for {count} images")
        return values


class ImageProgram(ProgramMetric):
    """A program that scores every image, from the image and its prompt."""

    def score(self, images: Sequence[Image.Image], prompts: Sequence[str]) -> list[float]:
        """n numbers for n images."""
        return self.ask_numbers("scores", len(images), {"prompts": list(prompts)}, images=images)


class SetProgram(ProgramMetric):
    """A program that compares two sets of images."""

    def compare(self, images: Sequence[Image.Image], others: Sequence[Image.Image], paired: bool) -> float:
        """One number for both sets."""
        return self.ask("score", {"paired": paired}, images=images, others=others)


class EncoderProgram(ProgramMetric):
    """A program that embeds images; cbench compares the embeddings. It needs no scale."""

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """n x d."""
        return np.asarray(self.ask_numbers("embeddings", len(images), {}, images=images), dtype=np.float64)


@contextmanager
def _as_files(images: dict[str, Sequence[Image.Image]]) -> Iterator[dict[str, list[str]]]:
    """The images as PNG files of a temporary folder: name -> paths."""
    with TemporaryDirectory(prefix="cbench-metric-") as folder:
        paths: dict[str, list[str]] = {}
        for name, listed in images.items():
            files = [Path(folder) / f"{name}-{index:04}.png" for index in range(len(listed))]
            for image, file in zip(listed, files, strict=True):
                image.save(file, compress_level=1)
            paths[name] = [str(file) for file in files]
        yield paths


class Program:
    """A process that answers lines with lines; started at its first request, ended with this object."""

    def __init__(self, who: str, words: Sequence[str], folder: Path) -> None:
        self.who, self.words, self.folder = who, list(words), folder
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The JSON object that answers a request. Raises BadInput if the program cannot be started, ends
        before its answer, or takes longer than `seconds`; then it is stopped."""
        try:
            if self._process is None:
                self._start()
            answer = self._exchange(request, seconds)
            if answer is None:
                self._start()
                answer = self._exchange(request, seconds)
            assert answer is not None  # a new process answers, or raises
            return answer
        except BaseException:
            self.stop()
            raise

    def _exchange(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer; None if the process answered an earlier request and then ended as it should."""
        # in a thread: a program that reads nothing must not stop this one
        sending = threading.Thread(target=_send, args=(self._input, json.dumps(request)), daemon=True)
        sending.start()
        answer = self._answer(seconds)
        if answer is not None:
            self._answered = True
        elif not self._answered or self._code() != 0:
            raise BadInput(
                f"{self.who}: its program ended {self._how()} before it answered{self._last_words()}"
            )
        return answer

    def stop(self) -> None:
        """End the process, and what it started."""
        if self._process is not None:
            self._finalizer()
            self._process = None

    def _start(self) -> None:
        self.stop()
        environment = {name: value for name, value in os.environ.items() if name not in OURS}
        self._errors: IO[bytes] = TemporaryFile()  # noqa: SIM115 - open as long as the process
        try:
            process = subprocess.Popen(
                self.words,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # it is ended with all that it started, and not by Ctrl-C
            )
        except OSError as error:
            raise BadInput(f"{self.who}: {self.words[0]} cannot be started: {error.strerror}") from error
        assert process.stdin and process.stdout
        self._process, self._input, self._answered = process, process.stdin, False
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(process.stdout, self._lines), daemon=True).start()
        self._finalizer = weakref.finalize(self, _end, process)

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """The next JSON object of the program's output; None at its end."""
        deadline = time.monotonic() + seconds
        while True:
            check_interrupt()
            if time.monotonic() > deadline:
                raise BadInput(
                    f"{self.who}: its program gave no answer in {seconds:g} seconds{self._last_words()}"
                )
            try:
                line = self._lines.get(timeout=TICK)
            except queue.Empty:
                continue
            if line is None:
                return None
            with suppress(ValueError, RecursionError):
                answer = json.loads(line)
                if isinstance(answer, dict):
                    return answer

    def _code(self) -> int:
        """The exit code, below 0 for a signal. A program that closed its output and goes on is killed."""
        assert self._process
        try:
            return self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _how(self) -> str:
        code = self._code()
        return f"with exit code {code}" if code >= 0 else f"by signal {-code}"

    def _last_words(self) -> str:
        """The last line that the program printed to standard error."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - 2000))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return f": {one_line(lines[-1], 300)}" if lines else ""


def _send(program: IO[str], line: str) -> None:
    """Write a line to a program that may have ended: its exit code says more than this error."""
    with suppress(OSError, ValueError):
        program.write(line + "\n")
        program.flush()


def _read(output: IO[str], lines: "queue.SimpleQueue[str | None]") -> None:
    """Pass on each line, and None at the end."""
    with suppress(ValueError, OSError):  # closed by another thread
        for line in output:
            lines.put(line)
    lines.put(None)


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill the program and what it started; close its input."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)  # first: a request that nobody reads holds the input open
    with suppress(OSError, ValueError):
        if process.stdin:
            process.stdin.close()
    process.wait()
