"""The diffusion pipeline: loading, checks, and use on a device."""
