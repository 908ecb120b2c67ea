"""Keeps the libraries' own progress bars and notices of renamed arguments off the terminal, which belongs to
the run's progress."""

import warnings


def quiet() -> None:
    """Silence diffusers' and transformers' loading bars, and their notices of optional packages and of
    `torch_dtype`."""
    from transformers.utils import logging as of_transformers

    of_transformers.set_verbosity_error()
    from diffusers.utils import logging as of_diffusers

    of_diffusers.disable_progress_bar()
    of_transformers.disable_progress_bar()
    warnings.filterwarnings("ignore", message=".*torch_dtype.*", category=FutureWarning)
