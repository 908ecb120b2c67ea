"""The three pure stages: train, sample, score."""
