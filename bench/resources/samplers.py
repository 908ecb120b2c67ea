"""Which of diffusers' schedulers draw images from a model that was trained on a schedule of betas or on a
rectified flow, and what each asks for. Known without importing diffusers; a test holds this table against
diffusers itself."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cbench.errors import BadInput
from cbench.track import Sampling

COMMON = ("linear", "scaled_linear", "squaredcos_cap_v2")
TRAINED = (*COMMON, "sigmoid", "laplace")
"""The schedules of betas that training can take (`DDPMScheduler`)."""
KINDS = ("epsilon", "v_prediction")


class Sampler(NamedTuple):
    """What a scheduler class can do."""

    zero_snr: bool = False
    """Whether it knows `rescale_betas_zero_snr`."""
    schedules: tuple[str, ...] = COMMON
    distilled: bool = False
    """Whether it is made for models that were distilled for it, and for no others."""
    ahead: int = 0
    """1 if it spaces one step more than asked."""


SAMPLERS = {
    "DDIMScheduler": Sampler(zero_snr=True),
    "DDIMParallelScheduler": Sampler(zero_snr=True),
    "DDPMScheduler": Sampler(zero_snr=True, schedules=TRAINED),
    "DDPMParallelScheduler": Sampler(zero_snr=True, schedules=TRAINED),
    "DEISMultistepScheduler": Sampler(ahead=1),
    "DPMSolverMultistepScheduler": Sampler(zero_snr=True, ahead=1),
    "DPMSolverSinglestepScheduler": Sampler(),
    "EulerAncestralDiscreteScheduler": Sampler(zero_snr=True),
    "EulerDiscreteScheduler": Sampler(zero_snr=True),
    "HeunDiscreteScheduler": Sampler(schedules=(*COMMON, "exp")),
    "KDPM2AncestralDiscreteScheduler": Sampler(),
    "KDPM2DiscreteScheduler": Sampler(),
    "LCMScheduler": Sampler(zero_snr=True, distilled=True),
    "LMSDiscreteScheduler": Sampler(),
    "PNDMScheduler": Sampler(),
    "SASolverScheduler": Sampler(ahead=1),
    "TCDScheduler": Sampler(zero_snr=True, distilled=True),
    "UniPCMultistepScheduler": Sampler(zero_snr=True, ahead=1),
}


FLOWS = ("FlowMatchEulerDiscreteScheduler",)
"""The schedulers that sample rectified flows as their pipelines call them."""


def check_name(name: str) -> None:
    """BadInput for a scheduler that samples none of the models that are trained, or that diffusers does not
    have."""
    if name not in SAMPLERS and name not in FLOWS:
        raise BadInput(
            f"sampling.scheduler {name!r} of the track samples none of the models that are trained here; "
            f"known: {', '.join((*SAMPLERS, *FLOWS))}"
        )


def training_faults(own: str, config: Mapping[str, Any]) -> Iterator[str]:
    """Why no training can follow the noise of a pipeline's own scheduler (its class and numbers)."""
    if own not in SAMPLERS:
        yield f"its scheduler {own} has no schedule of betas to train on"
        return
    kind, schedule = config.get("prediction_type", "epsilon"), config.get("beta_schedule", "linear")
    if kind not in KINDS:
        yield f"the scheduler's prediction_type is {kind!r}; epsilon and v_prediction are known"
    betas, times = config.get("trained_betas"), config.get("num_train_timesteps", 1000)
    if betas is None and schedule not in TRAINED:
        yield f"the scheduler's beta_schedule is {schedule!r}; {', '.join(TRAINED)} are known"
    if isinstance(betas, list) and len(betas) != times:
        yield f"the scheduler has {len(betas)} trained_betas for {times} timesteps"
    if config.get("timestep_type", "discrete") != "discrete":
        yield f"the scheduler's timestep_type is {config['timestep_type']!r}; discrete is known"
    if config.get("use_flow_sigmas"):
        yield "its scheduler follows a flow (use_flow_sigmas), which is not trained yet"


def sampling_faults(settings: Sampling, own: str, config: Mapping[str, Any]) -> Iterator[str]:
    """Why the track's scheduler cannot sample this pipeline, whose own scheduler has this class and these
    numbers."""
    name, steps = settings.scheduler, settings.steps
    if name not in SAMPLERS:
        yield f"{name} samples rectified flows, and this model was trained on a schedule of betas"
        return
    sampler = SAMPLERS[name]
    if sampler.distilled and own != name:
        yield f"{name} is made for models distilled for it, and this one's own scheduler is {own}"
    if config.get("rescale_betas_zero_snr") and not sampler.zero_snr:
        yield f"{name} ignores the model's rescale_betas_zero_snr and would sample along other noise"
    schedule = config.get("beta_schedule", "linear")
    if config.get("trained_betas") is None and schedule not in sampler.schedules:
        yield f"{name} does not know the model's beta_schedule {schedule!r}"
    if (most := most_steps(sampler, config)) is not None and steps > most:
        yield f"{name} samples this model in at most {most} steps, the track asks for {steps}"
    if name == "PNDMScheduler" and not config.get("skip_prk_steps") and steps < 4:
        yield f"{name} needs at least 4 steps, the track asks for {steps}"


def most_steps(sampler: Sampler, config: Mapping[str, Any]) -> int | None:
    """The most steps whose timesteps all lie within those of training; None if the configuration is not
    readable."""
    times, offset = config.get("num_train_timesteps", 1000), config.get("steps_offset", 0)
    if not isinstance(times, int) or not isinstance(offset, int):
        return None
    if sampler.distilled:
        own = config.get("original_inference_steps", 50)
        return min(times, own) if isinstance(own, int) else None
    if config.get("timestep_spacing", "leading") != "leading" or offset < 1:
        return times
    return times - 1 - sampler.ahead
