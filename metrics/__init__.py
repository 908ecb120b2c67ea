"""The metrics: image encoders, one small file a family."""
