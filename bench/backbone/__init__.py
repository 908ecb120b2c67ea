"""The diffusion pipeline: load it, check it, run it on a device."""
