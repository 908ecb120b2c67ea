"""Small pipelines of the real classes, with random weights, and a track and streams around them."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch: beside other workers, each has one core
    os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = str(Path(__file__).parents[1])
# `python -m pytest` puts the root there, and its folder `datasets` would shadow Hugging Face's.
sys.path[:] = [place for place in sys.path if place not in ("", ROOT)]

TASKS = ("red", "green", "blue")
MOST_WORKERS = 4
"""A worker needs about a gigabyte, and a core."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """The workers of `pytest -n auto`: as many as this process may use cores, up to MOST_WORKERS."""
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS)


@pytest.fixture(autouse=True)
def quick_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush checks its file and waits for no disk: a run of the small track waits for 137 of them. What is
    flushed, and when, `tests/store` and `tests/utils` test; processes started by a test flush in earnest."""
    monkeypatch.setattr(os, "fsync", lambda file: os.fstat(file) and None)


def _tokenizer(folder: Path):
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(c + "</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={t: i for i, t in enumerate(tokens)}, merges=[], model_max_length=16, pad_token="<|endoftext|>"
    )


def _text_encoder(cls, vocabulary: int):
    from transformers import CLIPTextConfig

    return cls(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            intermediate_size=32,
            projection_dim=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=16,
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
        )
    )


def _unet(cross=16, **more):
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=4,
        cross_attention_dim=cross,
        norm_num_groups=8,
        **more,
    )


def _vae():
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=64,
    )


@pytest.fixture(scope="session")
def sdxl_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StableDiffusionXLPipeline of a few thousand weights."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionXLPipeline
    from transformers import CLIPTextModelWithProjection

    torch.manual_seed(0)
    tokenizer, folder = _tokenizer(Path()), tmp_path_factory.mktemp("sdxl")
    StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=None,
        tokenizer=None,
        text_encoder_2=_text_encoder(CLIPTextModelWithProjection, len(tokenizer)),
        tokenizer_2=tokenizer,
        unet=_unet(
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 16,
        ),
        scheduler=DDIMScheduler(
            prediction_type="v_prediction",
            rescale_betas_zero_snr=True,
            timestep_spacing="trailing",
            clip_sample=False,
        ),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def sd15_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StableDiffusionPipeline of a few thousand weights: no pooled embedding, epsilon-prediction."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    tokenizer, folder = _tokenizer(Path()), tmp_path_factory.mktemp("sd15")
    StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=_text_encoder(CLIPTextModel, len(tokenizer)),
        tokenizer=tokenizer,
        unet=_unet(),
        scheduler=DDIMScheduler(clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def sdxl_whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small as `sdxl_folder`, but all that SDXL's own folder holds: two text encoders, its scheduler, zeros
    for the empty prompt."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    tokenizer, folder = _tokenizer(Path()), tmp_path_factory.mktemp("sdxl-whole")
    more = {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 6 * 8 + 16,
    }
    StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=_text_encoder(CLIPTextModel, len(tokenizer)),
        tokenizer=tokenizer,
        text_encoder_2=_text_encoder(CLIPTextModelWithProjection, len(tokenizer)),
        tokenizer_2=tokenizer,
        unet=_unet(cross=32, **more),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        add_watermarker=False,
    ).save_pretrained(folder)
    return folder


def _t5(width: int):
    """T5's tokenizer over single letters, and an encoder of its class."""
    from transformers import T5Config, T5EncoderModel, T5TokenizerFast

    pieces = ["<pad>", "</s>", "<unk>", "\u2581", *map(chr, range(33, 127))]
    tokenizer = T5TokenizerFast(vocab=[(piece, 0.0) for piece in pieces], extra_ids=0, model_max_length=512)
    sizes = {"d_model": width, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    return tokenizer, T5EncoderModel(T5Config(vocab_size=len(tokenizer), **sizes))


def _flow_vae(cls, **more):
    """Four latent channels, four pixels to a latent."""
    return cls(
        block_out_channels=(8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=64,
        **more,
    )


def _sd3(folder: Path, with_t5: bool) -> Path:
    import torch
    from diffusers import (
        AutoencoderKL,
        FlowMatchEulerDiscreteScheduler,
        SD3Transformer2DModel,
        StableDiffusion3Pipeline,
    )
    from transformers import CLIPTextModelWithProjection

    torch.manual_seed(0)
    tokenizer = _tokenizer(Path())
    tokenizer_3, text_encoder_3 = _t5(32) if with_t5 else (None, None)
    StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=16,
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=32,
            caption_projection_dim=16,
            pooled_projection_dim=32,
            pos_embed_max_size=16,
            dual_attention_layers=(0,),
            qk_norm="rms_norm",
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_flow_vae(AutoencoderKL, scaling_factor=1.5305, shift_factor=0.0609, use_quant_conv=False),
        text_encoder=_text_encoder(CLIPTextModelWithProjection, len(tokenizer)),
        tokenizer=tokenizer,
        text_encoder_2=_text_encoder(CLIPTextModelWithProjection, len(tokenizer)),
        tokenizer_2=tokenizer,
        text_encoder_3=text_encoder_3,
        tokenizer_3=tokenizer_3,
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def sd3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StableDiffusion3Pipeline of a few thousand weights, of 3.5-medium's kind (dual attention), with
    T5."""
    return _sd3(tmp_path_factory.mktemp("sd3"), True)


@pytest.fixture(scope="session")
def sd3_without_t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without `text_encoder_3`."""
    return _sd3(tmp_path_factory.mktemp("sd3-without-t5"), False)


def _flux(folder: Path, guidance_embeds: bool) -> Path:
    import torch
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    tokenizer = _tokenizer(Path())
    tokenizer_2, text_encoder_2 = _t5(32)
    FluxPipeline(
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=16,
            guidance_embeds=guidance_embeds,
            axes_dims_rope=(4, 4, 8),
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=_flow_vae(AutoencoderKL, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False),
        text_encoder=_text_encoder(CLIPTextModel, len(tokenizer)),
        tokenizer=tokenizer,
        text_encoder_2=text_encoder_2,
        tokenizer_2=tokenizer_2,
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def flux_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FluxPipeline of a few thousand weights, of FLUX.1-dev's kind: its transformer embeds the guidance."""
    return _flux(tmp_path_factory.mktemp("flux"), True)


@pytest.fixture(scope="session")
def flux_without_guidance_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, of schnell's kind: guidance takes a second pass."""
    return _flux(tmp_path_factory.mktemp("flux-without-guidance"), False)


@pytest.fixture(scope="session")
def flux2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Flux2KleinPipeline of a few thousand weights; its language model has the layers that are read."""
    import torch
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )
    from transformers import Qwen2TokenizerFast, Qwen3Config, Qwen3ForCausalLM
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("flux2")
    letters = [*bytes_to_unicode().values(), "<|endoftext|>"]
    tokenizer = Qwen2TokenizerFast(vocab={t: i for i, t in enumerate(letters)}, merges=[])
    tokenizer.chat_template = "{% for message in messages %}user: {{ message['content'] }} {% endfor %}"
    text_encoder = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=27,
            num_attention_heads=1,
            num_key_value_heads=1,
            head_dim=8,
            tie_word_embeddings=True,
        )
    )
    vae = _flow_vae(AutoencoderKLFlux2)
    vae.bn.running_mean.normal_()
    vae.bn.running_var.uniform_(0.5, 2.0)
    Flux2KleinPipeline(
        transformer=Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=24,
            timestep_guidance_channels=16,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def stream_file(tmp_path: Path) -> Path:
    """A folder stream of three colours, two images each."""
    home, tasks = tmp_path / "stream", []
    for index, name in enumerate(TASKS):
        (home / name).mkdir(parents=True)
        for number in range(2):
            pixels = np.full((64, 64, 3), 40 * number, dtype=np.uint8)
            pixels[..., index] = 220
            Image.fromarray(pixels).save(home / name / f"{number}.png")
        prompts = {"prompts": [f"a {name} cat", f"{name} tree"], "plain_prompts": ["a cat", "tree"]}
        tasks.append({"name": name, "prompt": f"a {name} wall", "images": name, **prompts})
    (home / "stream.yaml").write_text(yaml.safe_dump({"name": "colours", "tasks": tasks}))
    return home / "stream.yaml"


@pytest.fixture(scope="session")
def plugin_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put the example plugin: a real package with entry points."""
    source = tmp_path_factory.mktemp("plugin-source") / "plugin"
    shutil.copytree(Path(__file__).parent / "plugin", source)
    target = tmp_path_factory.mktemp("plugin-site")
    words = [
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(target),
        str(source),
    ]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return target


@pytest.fixture
def plugin(plugin_site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example plugin, importable in this process."""
    monkeypatch.syspath_prepend(plugin_site)
    return plugin_site


@pytest.fixture
def track_values(plugin: Path, sdxl_folder: Path, stream_file: Path) -> dict:
    """A track on the small pipeline, as the YAML file tells it."""
    return {
        "name": "tiny",
        "version": 1,
        "summary": "random weights",
        "backbone": {"path": str(sdxl_folder), "resolution": 64},
        "training": {
            "rank": 2,
            "steps": 3,
            "batch": 2,
            "learning_rate": 0.01,
            "weight_decay": 0.0,
            "max_grad_norm": 1.0,
        },
        "sampling": {
            "steps": 2,
            "guidance": 2.0,
            "scheduler": "DDIMScheduler",
            "images_per_prompt": 2,
            "batch": 8,
        },
        "suites": {
            "colours": {"dataset": "folder", "options": {"path": str(stream_file)}, "metrics": ["colour"]}
        },
        "orders": [0, 5],
        "seeds": [0, 5],
    }


@pytest.fixture
def track_file(tmp_path: Path, track_values: dict) -> Path:
    """That track in a file."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(track_values))
    return path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture):
    """Runs `cbench` with arguments; gives (exit code, standard output, standard error)."""
    from cbench.cli import main

    def call(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture(scope="session")
def stored_stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores of the runs that `learn` has made, a folder for each track and words."""
    return tmp_path_factory.mktemp("stages")


@pytest.fixture
def learn(cli, stored_stages: Path) -> Callable[..., Path]:
    """Runs a method on the colours and gives the results folder; for tests of what comes after a run.

    The first run of a track trains and samples. Later ones, of other tests, take its stages from the
    store."""

    def call(track: Path, out: Path, method: str = "merge_init", *more: object) -> Path:
        text = track.read_text().replace(str(track.parent), "")  # where a test lies is no part of its stages
        ready = stored_stages / hashlib.sha256(repr((text, method, more)).encode()).hexdigest()
        first, alone = not ready.exists(), not out.exists()
        if not first:
            shutil.copytree(ready, out / "store", dirs_exist_ok=True)
        words = ("--suite", "colours", "--track", track, "--results", out)
        code, _, error = cli("run", "--method", method, *words, *more)
        assert code == 0, error
        if first and alone:
            shutil.copytree(out / "store", ready)
        return out

    return call


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What workbenches load, as they load it: `backbone`, and the encoders' names."""
    from cbench import workbench

    seen: list[str] = []
    opened, load = workbench.open_backbone, workbench.load_metric
    monkeypatch.setattr(workbench, "open_backbone", lambda *given: seen.append("backbone") or opened(*given))
    monkeypatch.setattr(workbench, "load_metric", lambda *given: seen.append(given[0]) or load(*given))
    return seen


@pytest.fixture(scope="session")
def photographs() -> Path:
    """A data home with DreamBooth's photographs: `CBENCH_DATA`, or `shared/data` beside the repository."""
    home = Path(os.environ.get("CBENCH_DATA") or Path(ROOT).parent / "shared" / "data")
    if not (home / "dreambooth").is_dir():
        pytest.skip(f"no photographs in {home / 'dreambooth'}; CBENCH_DATA names another place")
    return home
