"""Streams: where the tasks of a suite come from. A dataset is a function of (options, home folder) that gives
a `Stream`."""
