"""SDXL's classes with random weights: at full size, or small for a CPU. Written to a folder, so that both
shapes load the same weights."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode


class Size(NamedTuple):
    """What differs between the full and the small pipeline, and how much of the work is timed."""

    name: str
    side: int
    unet: dict[str, Any]
    vae: tuple[int, ...]
    texts: tuple[tuple[int, int, int], ...]
    """Width, layers and heads of the two text encoders."""
    vision: tuple[int, int, int]
    """Width, depth and heads of DINO's ViT."""
    rank: int
    steps: int
    """Training steps timed."""
    sampling_steps: int
    prompts: int
    per_prompt: int


FULL = Size(
    name="full size (SDXL, 1024 px)",
    side=1024,
    unet={
        "block_out_channels": (320, 640, 1280),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
    },
    vae=(128, 256, 512, 512),
    texts=((768, 12, 12), (1280, 32, 20)),
    vision=(384, 12, 6),
    rank=64,
    steps=20,
    sampling_steps=50,
    prompts=1,
    per_prompt=8,
)
SMALL = Size(
    name="small (CPU, 128 px)",
    side=128,
    unet={
        "block_out_channels": (32, 64, 96),
        "transformer_layers_per_block": (1, 1, 2),
        "attention_head_dim": (2, 4, 6),
    },
    vae=(32, 32, 64, 64),
    texts=((64, 2, 2), (96, 2, 2)),
    vision=(192, 4, 3),
    rank=8,
    steps=15,
    sampling_steps=4,
    prompts=2,
    per_prompt=4,
)


def tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer over single bytes."""
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(c + "</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={t: i for i, t in enumerate(tokens)}, merges=[], model_max_length=77, pad_token="<|endoftext|>"
    )


def text_encoder(kind: Any, width: int, layers: int, heads: int, vocabulary: int) -> Any:
    """A text encoder of CLIP's family."""
    sizes = {"hidden_size": width, "intermediate_size": 4 * width, "projection_dim": width}
    ends = {"bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1, "pad_token_id": vocabulary - 1}
    return kind(
        CLIPTextConfig(
            vocab_size=vocabulary, num_hidden_layers=layers, num_attention_heads=heads, **sizes, **ends
        )
    )


def make_unet(size: Size) -> UNet2DConditionModel:
    """SDXL's UNet."""
    return UNet2DConditionModel(
        sample_size=size.side // 8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=sum(width for width, _, _ in size.texts),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=6 * 256 + size.texts[-1][0],
        **size.unet,
    )


def make_vae(size: Size) -> AutoencoderKL:
    """SDXL's autoencoder, as the one that bears half precision."""
    return AutoencoderKL(
        block_out_channels=size.vae,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        sample_size=size.side,
        scaling_factor=0.13025,
        force_upcast=False,
    )


def write(folder: Path, size: Size, device: str) -> None:
    """The pipeline with random weights, made on the device, in fp32."""
    torch.manual_seed(0)
    words = tokenizer()
    with torch.device(device):
        unet, vae = make_unet(size), make_vae(size)
        first, second = (
            text_encoder(k, *s, len(words))
            for k, s in zip((CLIPTextModel, CLIPTextModelWithProjection), size.texts, strict=True)
        )
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
    )
    StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=first,
        tokenizer=words,
        text_encoder_2=second,
        tokenizer_2=words,
        unet=unet,
        scheduler=scheduler,
        add_watermarker=False,
    ).save_pretrained(folder)
