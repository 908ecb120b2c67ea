"""A rectified-flow pipeline that cannot be trained or sampled rightly is refused in one line, by its files
alone."""

import json
import shutil

import pytest

from cbench.errors import BadInput
from cbench.resources.families import LAYOUTS
from cbench.resources.suitability import check_suitable
from cbench.track import Track

INDEX, TRANSFORMER, VAE, SCHEDULER = (
    "model_index.json",
    "transformer/config.json",
    "vae/config.json",
    "scheduler/scheduler_config.json",
)
SD3, FLUX, FLUX2 = "sd3_folder", "flux_folder", "flux2_folder"
EULER = "FlowMatchEulerDiscreteScheduler"
CASES = [
    (SD3, INDEX, {"_class_name": "StableDiffusion3InpaintPipeline"}, "it is a StableDiffusion3InpaintPipe"),
    (FLUX, INDEX, {"_class_name": "FluxFillPipeline"}, "it is a FluxFillPipeline, no StableDiffusionPipel"),
    (FLUX2, INDEX, {"_class_name": "Flux2Pipeline"}, "it is a Flux2Pipeline"),
    (SD3, INDEX, {"transformer": ["diffusers", "UNet2DConditionModel"]}, "its transformer is a UNet2DCond"),
    (FLUX2, INDEX, {"vae": ["diffusers", "AutoencoderKL"]}, "its vae is a AutoencoderKL, and cbench"),
    (SD3, INDEX, {"text_encoder": [None, None]}, "it has no text_encoder"),
    (
        SD3,
        INDEX,
        {"scheduler": ["diffusers", "DDIMScheduler"]},
        "its scheduler DDIMScheduler does not follow",
    ),
    (FLUX2, INDEX, {"is_distilled": True}, "it is distilled for a few steps"),
    (SD3, TRANSFORMER, {"in_channels": 8}, "reads 8 channels and gives 4, the latents have 4"),
    (FLUX, TRANSFORMER, {"in_channels": 96}, "reads 96 channels and gives 96, the latents have 16"),
    (FLUX2, TRANSFORMER, {"out_channels": 8}, "gives 8, the latents have 16"),
    (FLUX2, TRANSFORMER, {"guidance_embeds": True}, "embeds the guidance (guidance_embeds)"),
    (SD3, TRANSFORMER, {"pos_embed_max_size": 4}, "images of at most 32 pixels, and the track's resolution"),
    (SD3, TRANSFORMER, {"joint_attention_dim": 64}, "words of width 64 (joint_attention_dim), the text enc"),
    (SD3, TRANSFORMER, {"pooled_projection_dim": 64}, "width 64 (pooled_projection_dim), the text encoders"),
    (FLUX, TRANSFORMER, {"joint_attention_dim": 64}, "the text encoders give 32"),
    (FLUX2, TRANSFORMER, {"joint_attention_dim": 64}, "the text encoders give 24"),
    (FLUX2, "text_encoder/config.json", {"num_hidden_layers": 9}, "has 9 layers, and the pipeline reads"),
    (SD3, VAE, {"latent_channels": 16}, "the latents have 16"),
    (FLUX, VAE, {"shift_factor": None}, "its vae has no shift_factor"),
    (FLUX, VAE, {"block_out_channels": [8] * 7}, "squares of 128, and the track's resolution is 64"),
    (SD3, SCHEDULER, {"invert_sigmas": True}, "its scheduler's invert_sigmas is set"),
    (SD3, SCHEDULER, {"stochastic_sampling": True}, "its scheduler's stochastic_sampling is set"),
    (SD3, SCHEDULER, {"num_train_timesteps": 1}, "in at most 1 steps, the track asks for 2"),
]


def track(folder, training=None, **sampling):
    numbers = {"rank": 2, "steps": 1, "batch": 1, "learning_rate": 1, "weight_decay": 0, "max_grad_norm": 1}
    return Track.model_validate(
        {
            "name": "tiny",
            "version": 1,
            "summary": "",
            "backbone": {"path": str(folder), "resolution": 64},
            "training": numbers | (training or {}),
            "sampling": {
                **{"steps": 2, "guidance": 2, "scheduler": EULER, "images_per_prompt": 1, "batch": 1},
                **sampling,
            },
            "suites": {"colours": {"dataset": "folder", "metrics": ["colour"]}},
            "orders": [0],
            "seeds": [0],
        }
    )


@pytest.mark.parametrize(
    ("name", "file", "values", "line"), CASES, ids=[f"{c[0]}: {c[2]}"[:60] for c in CASES]
)
def test_pipeline(request, tmp_path, name, file, values, line):
    folder = shutil.copytree(request.getfixturevalue(name), tmp_path / "model")
    (folder / file).write_text(json.dumps(json.loads((folder / file).read_text()) | values))
    with pytest.raises(BadInput) as error:
        check_suitable(track(folder))
    assert line in str(error.value) and str(folder) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("folder", "more", "line"),
    [
        (SD3, {"scheduler": "DDIMScheduler"}, "DDIMScheduler samples models trained on betas"),
        (SD3, {"guidance_rescale": 0.5}, "guidance_rescale is for UNets"),
        (SD3, {"training": {"sizes": "photograph"}}, "sizes: photograph is SDXL's"),
        ("sdxl_folder", {}, f"{EULER} samples rectified flows, and this model was trained on a schedule"),
        (
            "sdxl_folder",
            {"scheduler": "DDIMScheduler", "training": {"timesteps": "logit_normal"}},
            "timesteps: logit_normal is for rectified flows",
        ),
    ],
)
def test_track_that_does_not_fit(request, folder, more, line):
    with pytest.raises(BadInput) as error:
        check_suitable(track(request.getfixturevalue(folder), **more))
    assert line in str(error.value)


def test_whole_pipelines_are_taken(request):
    for name in (SD3, "sd3_without_t5_folder", FLUX, "flux_without_guidance_folder", FLUX2):
        check_suitable(track(request.getfixturevalue(name)))


def test_what_cannot_be_read_is_left_to_the_loader(sd3_folder, tmp_path):
    folder = shutil.copytree(sd3_folder, tmp_path / "model")
    for file in (TRANSFORMER, VAE, SCHEDULER, "text_encoder/config.json"):
        for text in ("", "[]", "{}"):
            (folder / file).write_text(text)
            check_suitable(track(folder))
        shutil.copy(sd3_folder / file, folder / file)


def test_every_layout_has_a_family_that_runs_it():
    from cbench.backbone.families import FAMILIES

    assert FAMILIES.keys() == LAYOUTS.keys()
    assert all(FAMILIES[name].component == layout.denoiser for name, layout in LAYOUTS.items())
