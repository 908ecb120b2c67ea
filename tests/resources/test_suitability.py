"""What cannot be trained rightly is refused before anything else, by `run` and `doctor` alike."""

import json
import shutil

import pytest
import yaml

from cbench.resources.suitability import check_suitable
from cbench.tracks import flux2_klein, mini, sd15, sd35m, sdxl

INDEX, UNET, VAE, SCHEDULER = (
    "model_index.json",
    "unet/config.json",
    "vae/config.json",
    "scheduler/scheduler_config.json",
)
TEXT = "text_encoder_2/config.json"
PIPELINES = [
    "StableDiffusionInpaintPipeline",
    "StableDiffusionXLInpaintPipeline",
    "StableDiffusionImg2ImgPipeline",
    "StableDiffusionXLImg2ImgPipeline",
    "StableDiffusionInstructPix2PixPipeline",
    "StableDiffusionXLInstructPix2PixPipeline",
    "StableDiffusion3InpaintPipeline",
    "FluxFillPipeline",
    "LatentConsistencyModelPipeline",
    "StableDiffusionUpscalePipeline",
    "KandinskyPipeline",
    "IFPipeline",
    "DDPMPipeline",
    "NoPipeline",
]
CASES = [
    *[(INDEX, {"_class_name": name}, f"it is a {name}, no StableDiffusionPipeline or") for name in PIPELINES],
    (INDEX, {"_class_name": ["evil", "Pipeline"]}, "it is a ['evil', 'Pipeline']"),
    (INDEX, {"unet": ["diffusers", "UNet3DConditionModel"]}, "its unet is a UNet3DConditionModel"),
    (INDEX, {"vae": ["diffusers", "AutoencoderTiny"]}, "its vae is a AutoencoderTiny"),
    (INDEX, {"text_encoder_2": [None, None]}, "it has no text_encoder_2"),
    (INDEX, {"scheduler": ["diffusers", "EDMEulerScheduler"]}, "EDMEulerScheduler has no schedule of betas"),
    (INDEX, {"scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"]}, "no schedule of betas"),
    (UNET, {"in_channels": 9}, "reads 9 channels and gives 4, the latents have 4 (9: inpainting"),
    (UNET, {"in_channels": 8}, "reads 8 channels"),
    (UNET, {"out_channels": 8}, "gives 8"),
    (UNET, {"num_class_embeds": 1000}, "class labels (num_class_embeds)"),
    (UNET, {"time_cond_proj_dim": 256}, "the guidance it was distilled with"),
    (UNET, {"encoder_hid_dim_type": "image_proj"}, "projected embeddings"),
    (UNET, {"projection_class_embeddings_input_dim": 5 * 8 + 16}, "56 wide, those of text to image 64"),
    (UNET, {"cross_attention_dim": 32}, "reads words of width 32, the text encoders give 16"),
    (UNET, {"addition_embed_type": "image"}, "addition_embed_type is 'image'"),
    (VAE, {"latent_channels": 16}, "the latents have 16"),
    (VAE, {"_class_name": "AsymmetricAutoencoderKL"}, "its vae is a AsymmetricAutoencoderKL"),
    (VAE, {"latents_mean": [0.0] * 8, "latents_std": [1.0] * 8}, "not 4 numbers each"),
    (VAE, {"block_out_channels": [8] * 8}, "squares of 128, and the track's resolution is 64"),
    (SCHEDULER, {"prediction_type": "sample"}, "prediction_type is 'sample'"),
    (SCHEDULER, {"beta_schedule": "exp"}, "beta_schedule is 'exp'"),
    (SCHEDULER, {"num_train_timesteps": 1}, "at most 1 steps, the track asks for 2"),
]


@pytest.fixture
def home(sdxl_folder, track_values, tmp_path):
    """The track in a file, on a copy of the pipeline that may be changed."""
    track_values["backbone"]["path"] = str(shutil.copytree(sdxl_folder, tmp_path / "model"))
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(track_values))
    return tmp_path


def edit(path, values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def verdicts(cli, home):
    """The line of `cbench run`, and that of `cbench doctor`."""
    code, _, error = cli(
        *("run", "--method", "base", "--suite", "colours"),
        *("--track", home / "tiny.yaml", "--results", home / "out", "--limit-tasks", 1),
    )
    assert code == 2 and error.count("\n") == 1 and not list((home / "out").glob("store/*/*/*")), error
    _, output, _ = cli("doctor", "--track", home / "tiny.yaml", "--results", home / "out", "--json")
    (finding,) = [finding for finding in json.loads(output) if finding["what"] == "backbone"]
    assert not finding["good"]
    return error, finding["detail"]


@pytest.mark.parametrize(("file", "values", "line"), CASES, ids=[f"{f}: {v}"[:60] for f, v, _ in CASES])
def test_pipeline(cli, home, monkeypatch, file, values, line):
    edit(home / "model" / file, values)
    monkeypatch.setattr("cbench.preflight.doctor._device", lambda *given: ())
    run, doctor = verdicts(cli, home)
    assert line in run and str(home / "model") in run and run == f"cbench: {doctor}\n"


@pytest.mark.parametrize("change", [{"scheduler": "EDMEulerScheduler"}, {"steps": 1001}])
def test_sampling(cli, home, track_values, change):
    track_values["sampling"] |= change
    (home / "tiny.yaml").write_text(yaml.safe_dump(track_values))
    run, doctor = verdicts(cli, home)
    assert str(next(iter(change.values()))) in run and run == f"cbench: {doctor}\n"


def test_a_precision_that_is_not_trained(cli, home, track_values):
    track_values["backbone"]["dtype"] = "float16"
    (home / "tiny.yaml").write_text(yaml.safe_dump(track_values))
    output = json.loads(cli("doctor", "--track", home / "tiny.yaml", "--json")[1])
    assert any(f["what"] == "backbone" and "float16" in f["detail"] and not f["good"] for f in output)


def test_tracks_of_cbench_and_whole_pipelines_are_taken(sdxl_whole_folder, sd15_folder):
    for track in (mini(), sd15(), sdxl(), sd35m(), flux2_klein()):
        check_suitable(track)
    for folder in (sdxl_whole_folder, sd15_folder):
        spec = mini().backbone.model_copy(update={"path": str(folder), "digest": None})
        check_suitable(mini().model_copy(update={"backbone": spec}))


@pytest.mark.parametrize("file", [INDEX, UNET, VAE, SCHEDULER, TEXT])
def test_what_cannot_be_read_is_left_to_the_loader(home, file):
    from cbench.plan import open_track

    for text in ("", "{", "[]", "{}"):
        (home / "model" / file).write_text(text)
        check_suitable(open_track(str(home / "tiny.yaml")))
