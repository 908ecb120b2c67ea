"""The words of a stream: what a run says of them, once, before it begins."""

import pytest
import yaml

from cbench.errors import BadInput
from cbench.plugins.check_captions import check_captions, cut_captions, first_lines, shared_captions
from cbench.task import Example, Stream, Task


def task(name, caption, *prompts):
    return Task(name, (Example(name, caption),), (), prompts or (f"{name} cat",), ("cat",))


@pytest.mark.parametrize("text", ["a photo of {}", "{token} cat", "a {0} cat"])
def test_a_placeholder_is_refused(text):
    for stream in (Stream("s", (task("a", text),)), Stream("s", (task("a", "words", text),))):
        with pytest.raises(BadInput, match=r"task a: .* is left in .*; write the concept's words there"):
            check_captions(stream)
    check_captions(Stream("s", (task("a", "a {b c} and }{"),)))


def test_words_that_two_tasks_share_are_named():
    stream = Stream("s", (task("a", "a cat"), task("b", "a dog"), task("c", "a cat", "b cat")))
    lines = list(shared_captions(stream))
    assert len(lines) == 2
    assert lines[0].startswith("tasks a and c have the same caption 'a cat'")
    assert lines[1].startswith("tasks b and c have the same prompt 'b cat'")


def test_a_run_says_what_is_shared_and_what_is_cut(cli, track_file, stream_file, tmp_path):
    """The tiny tokenizer reads 16 tokens, one a letter."""
    values = yaml.safe_load(stream_file.read_text())
    values["tasks"][0]["prompt"] = values["tasks"][1]["prompt"] = "a wall"
    values["tasks"][2]["prompts"][0] = "a very long prompt about a blue cat"
    stream_file.write_text(yaml.safe_dump(values))
    words = ["--suite", "colours", "--track", track_file, "--results", tmp_path / "out"]
    said = []
    for again in (False, True):
        code, _, error = cli("run", "--method", "base", *words)
        assert code == 0, error
        lines = error.splitlines()
        shared = [line for line in lines if "tasks red and green have the same caption 'a wall'" in line]
        cut = [line for line in lines if "'a very long prompt about a blue cat' has" in line]
        assert (len(shared), len(cut)) == ((0, 0) if again else (1, 1))
        assert again or "tokens and the text encoder reads 16" in cut[0]
        said += [*shared, *cut]
    output = cli("doctor", "--track", track_file, "--results", tmp_path / "out")[1]
    assert all(line.removeprefix("colours: ") in output for line in said), "doctor says what the run said"


def test_texts_within_the_limit_are_not_told():
    class Tokenizer:
        model_max_length = 4

        def __call__(self, text):
            return type("Tokens", (), {"input_ids": text.split()})

    lines = list(cut_captions(["a b c d", "a b c d e", "a b c d e"], [Tokenizer(), Tokenizer()]))
    assert len(lines) == 1 and "'a b c d e' has 5 tokens and the text encoder reads 4" in lines[0]


def test_many_lines_are_counted():
    assert list(first_lines(map(str, range(8)))) == [*"01234", "and 3 more like this"]
    assert list(first_lines("ab")) == ["a", "b"]
