"""A method and a metric for cbench."""
