"""Makes the CLIP tokenizer of the mini world: byte pairs, merged until each of its words is one token."""

import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode
from vocabulary import words

LENGTH = 20
START, END = "<|startoftext|>", "<|endoftext|>"


def learn_merges(vocabulary: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges that leave no word of the vocabulary in pieces."""
    model = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    model.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=30_000, min_frequency=0, end_of_word_suffix="</w>", show_progress=False
    )
    model.train_from_iterator(vocabulary, trainer)
    merges = json.loads(model.to_str())["model"]["merges"]
    return [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in merges]


def make(folder: Path) -> CLIPTokenizer:
    """Write the tokenizer to `folder` and return it; raises ValueError where a word is not one token."""
    merges = learn_merges(words())
    alphabet = list(bytes_to_unicode().values())
    tokens = [
        *alphabet,
        *(c + "</w>" for c in alphabet),
        *dict.fromkeys("".join(m) for m in merges),
        START,
        END,
    ]
    vocab = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=LENGTH, pad_token=END)
    broken = [w for w in words() if len(tokenizer(w).input_ids) != 3]
    if broken:
        raise ValueError(f"words in pieces: {broken}")
    tokenizer.save_pretrained(folder)
    return tokenizer
